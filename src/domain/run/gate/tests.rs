//! Tests of the health gate: scripts of what is heard, and the finding at the end.

use super::*;

fn at(ms: u64) -> Boot {
    Boot(Duration::from_millis(1_000_000 + ms))
}

fn check(interval_ms: u64, retries: u32, start_period_ms: u64) -> HealthCheck {
    HealthCheck {
        probe: Probe::Tcp { port: 80 },
        interval: Duration::from_millis(interval_ms),
        timeout: Duration::from_millis(1000),
        retries,
        start_period: Duration::from_millis(start_period_ms),
    }
}

/// Lets an asked gate run on its own times; `answers` says whether a probe begun at that time succeeds.
fn run_asked(mut gate: HealthGate, answers: impl Fn(u64) -> bool) -> (u64, Finding) {
    let mut now = at(0);
    for _ in 0..10_000 {
        gate.tick(now);
        while let Some((_, timeout)) = gate.take_probe(now) {
            assert!(timeout > Duration::ZERO);
            let ms = u64::try_from(now.since(at(0)).as_millis()).unwrap();
            let result = if answers(ms) {
                Ok(())
            } else {
                Err("refused".to_owned())
            };
            gate.probed(now, result, now);
        }
        match gate.wake_at() {
            Some(next) => now = next,
            None => break,
        }
    }
    let ms = u64::try_from(now.since(at(0)).as_millis()).unwrap();
    (ms, gate.finding().clone())
}

fn gate(watch: Watch, restart: RestartPolicy) -> HealthGate {
    HealthGate::new(watch, restart, at(0))
}

#[test]
fn without_any_check_it_has_to_run_half_a_second() {
    let mut gate = gate(Watch::Alive, RestartPolicy::No);
    assert_eq!(gate.tick(at(499)), &Finding::Waiting);
    assert_eq!(gate.wake_at(), Some(at(500)));
    assert_eq!(gate.tick(at(500)), &Finding::Healthy);
    assert_eq!(gate.wake_at(), None);
}

#[test]
fn an_early_end_fails_a_service_and_completes_a_job() {
    let cases = [
        (Watch::Alive, 0, false),
        (Watch::Alive, 1, false),
        (Watch::Port(80), 137, false),
        (Watch::Completion, 0, true),
        (Watch::Completion, 3, false),
    ];
    for (watch, code, healthy) in cases {
        let mut gate = gate(watch.clone(), RestartPolicy::No);
        let finding = gate.hear(&LiveEventKind::Died(code), at(10)).clone();
        let expected = if healthy {
            Finding::Healthy
        } else {
            Finding::Failed(format!("it ended with exit code {code}"))
        };
        assert_eq!(finding, expected, "{watch:?} {code}");
    }
}

#[test]
fn a_restarting_instance_gets_three_lives() {
    let mut gate = gate(Watch::Alive, RestartPolicy::Always);
    for life in 1..=2 {
        assert_eq!(
            gate.hear(&LiveEventKind::Died(1), at(life * 100)),
            &Finding::Waiting
        );
        assert_eq!(gate.tick(at(life * 100 + 90)), &Finding::Waiting);
        gate.hear(&LiveEventKind::Started, at(life * 100 + 50));
    }
    let finding = gate.hear(&LiveEventKind::Died(1), at(300)).clone();
    assert_eq!(
        finding,
        Finding::Failed("it ended with exit code 1, for the 3. time".to_owned())
    );
}

#[test]
fn an_exit_of_zero_is_no_failure_to_restart_from() {
    let mut gate = gate(Watch::Port(80), RestartPolicy::OnFailure(0));
    assert_ne!(
        gate.hear(&LiveEventKind::Died(0), at(10)),
        &Finding::Waiting
    );
}

#[test]
fn the_platforms_verdict_decides_when_it_checks() {
    let deadline = Duration::from_secs(30);
    let mut healthy = gate(Watch::Platform { deadline }, RestartPolicy::No);
    healthy.hear(&LiveEventKind::Health(Health::Starting), at(5));
    assert_eq!(healthy.tick(at(29_999)), &Finding::Waiting);
    assert_eq!(
        healthy.hear(&LiveEventKind::Health(Health::Healthy), at(29_999)),
        &Finding::Healthy
    );
    let mut late = gate(Watch::Platform { deadline }, RestartPolicy::No);
    assert_eq!(late.wake_at(), Some(at(30_000)));
    // An event may be lost: before it is given up the platform is looked at, once.
    assert_eq!(late.tick(at(30_000)), &Finding::Waiting);
    assert!(late.takes_look() && !late.takes_look());
    assert_eq!(late.wake_at(), Some(at(35_000)));
    let mut unheard = late.clone();
    let told = LiveEventKind::Health(Health::Healthy);
    assert_eq!(unheard.hear(&told, at(30_100)), &Finding::Healthy);
    assert_eq!(
        late.tick(at(35_000)),
        &Finding::Failed("it was not healthy within 30 s".to_owned())
    );
    let mut other = gate(Watch::Port(80), RestartPolicy::No);
    assert_eq!(
        other.hear(&LiveEventKind::Health(Health::Unhealthy), at(1)),
        &Finding::Waiting,
        "a verdict of a check that is not ours to heed"
    );
}

#[test]
fn asked_checks_find_health_soon_and_count_failures_by_the_interval() {
    let quick = run_asked(
        gate(Watch::Asked(check(10_000, 3, 0)), RestartPolicy::No),
        |ms| ms >= 250,
    );
    assert_eq!(quick, (300, Finding::Healthy), "not after ten seconds");
    let (ms, finding) = run_asked(
        gate(Watch::Asked(check(1000, 3, 0)), RestartPolicy::No),
        |_| false,
    );
    assert_eq!(
        finding,
        Finding::Failed("its health check failed 3 times in a row".to_owned())
    );
    assert!((3000..4600).contains(&ms), "{ms}");
    let (later, _) = run_asked(
        gate(Watch::Asked(check(1000, 3, 5000)), RestartPolicy::No),
        |_| false,
    );
    assert!((8000..9600).contains(&later), "{later}");
}

#[test]
fn a_port_that_never_opens_fails_at_its_deadline() {
    let (ms, finding) = run_asked(gate(Watch::Port(80), RestartPolicy::No), |_| false);
    assert_eq!(ms, 60_000);
    assert_eq!(
        finding,
        Finding::Failed("port 80 did not open within 60 s".to_owned())
    );
}

#[test]
fn a_probe_begun_before_the_opening_says_nothing() {
    let mut gate = gate(Watch::Port(80), RestartPolicy::No);
    let before = Boot(at(0).0.saturating_sub(Duration::from_millis(1)));
    assert_eq!(gate.probed(before, Ok(()), at(5)), &Finding::Waiting);
    assert_eq!(gate.probed(at(6), Ok(()), at(7)), &Finding::Healthy);
}

#[test]
fn the_way_to_find_out_follows_the_service() {
    let mut plain = Service::named("api");
    let mut exposed = plain.clone();
    exposed.expose = Some(80);
    let mut checked = exposed.clone();
    checked.healthcheck = Some(HealthCheck {
        probe: Probe::Shell("true".into()),
        ..check(1000, 3, 0)
    });
    let mut asked = plain.clone();
    asked.healthcheck = Some(check(1000, 3, 0));
    plain.healthcheck = Some(HealthCheck::with_defaults(Probe::None));
    let cases = [
        (&plain, true, true, false, "alive"),
        (&exposed, true, false, false, "port"),
        (&exposed, true, true, false, "platform"),
        (&exposed, true, true, true, "port"),
        (&exposed, false, true, false, "port"),
        (&checked, true, false, false, "platform"),
        (&checked, true, false, true, "asked"),
        (&checked, false, false, false, "asked"),
        (&asked, true, true, false, "asked"),
    ];
    for (i, (service, platform, image, early, expected)) in cases.into_iter().enumerate() {
        let word = match Watch::of(service, platform, image, early) {
            Watch::Platform { .. } => "platform",
            Watch::Asked(_) => "asked",
            Watch::Port(_) => "port",
            Watch::Alive => "alive",
            Watch::Completion => "completion",
        };
        assert_eq!(word, expected, "case {i}");
    }
}

#[test]
fn a_frozen_instance_is_given_up_soon_however_its_health_is_found_out() {
    let ways = [
        Watch::Platform {
            deadline: Duration::from_secs(300),
        },
        Watch::Asked(check(1000, 30, 0)),
        Watch::Port(80),
        Watch::Alive,
        Watch::Completion,
    ];
    for watch in ways {
        let mut gate = gate(watch.clone(), RestartPolicy::Always);
        gate.hear(&LiveEventKind::Paused, at(200));
        assert_eq!(gate.wake_at(), Some(at(3_200)), "{watch:?}");
        assert_eq!(gate.take_probe(at(1_000)), None, "{watch:?}");
        assert_eq!(gate.tick(at(3_199)), &Finding::Waiting, "{watch:?}");
        let Finding::Failed(why) = gate.tick(at(3_200)) else {
            panic!("{watch:?}: {:?}", gate.finding());
        };
        assert!(why.contains("it is paused"), "{why}");
    }
}

#[test]
fn a_moment_of_being_frozen_fails_nothing_and_proves_nothing() {
    let mut gate = gate(Watch::Port(80), RestartPolicy::No);
    gate.hear(&LiveEventKind::Paused, at(100));
    // The kernel accepts connections for whoever is frozen.
    assert_eq!(gate.probed(at(90), Ok(()), at(200)), &Finding::Waiting);
    gate.hear(&LiveEventKind::Unpaused, at(2_000));
    assert_eq!(gate.tick(at(5_000)), &Finding::Waiting);
    assert_eq!(gate.probed(at(5_000), Ok(()), at(5_001)), &Finding::Healthy);
}

#[test]
fn a_job_is_looked_at_now_and_then_though_it_may_take_its_time() {
    let mut gate = gate(Watch::Completion, RestartPolicy::No);
    assert!(!gate.takes_look());
    for round in 1..=100 {
        assert_eq!(gate.wake_at(), Some(at(round * 30_000)));
        assert_eq!(gate.tick(at(round * 30_000)), &Finding::Waiting);
        assert!(gate.takes_look() && !gate.takes_look());
    }
}
