//! What a live session looks at by itself, and what it tells of it.

use tokio::time::timeout;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_live_session_looks_by_itself_and_tells_only_news() {
    let (bench, script) = bench(true);
    let live = Settings {
        live: true,
        ..once()
    };
    with_session(live, &bench, async |mut client, hints| {
        hear(&mut client.notices, |n| {
            matches!(n, Notice::Link(Link::Up(_)))
        })
        .await;
        hear(&mut client.notices, |n| {
            matches!(n, Notice::Planned { ticket: None, .. })
        })
        .await;
        hear(&mut client.notices, |n| matches!(n, Notice::Drift { .. })).await;
        // Somebody stops a container: one event, one report, within the pause.
        script.drifted.borrow_mut().insert("web");
        let began = Instant::now();
        hints.send(Hint::Live("died".into())).await.expect("served");
        let found = hear(
            &mut client.notices,
            |n| matches!(n, Notice::Event(e) if e.kind.as_str() == "drift_found"),
        )
        .await;
        let Notice::Event(event) = found else {
            unreachable!()
        };
        assert_eq!(event.address, Some(Address::service("web")));
        assert!(began.elapsed() <= Duration::from_millis(500));
        script.drifted.borrow_mut().clear();
        hints
            .send(Hint::Live("started".into()))
            .await
            .expect("served");
        hear(
            &mut client.notices,
            |n| matches!(n, Notice::Event(e) if e.kind.as_str() == "drift_cleared"),
        )
        .await;
        // The file is saved: loaded again and planned anew.
        let loads = bench.loads.get();
        hints.send(Hint::Config).await.expect("served");
        hear(
            &mut client.notices,
            |n| matches!(n, Notice::Event(e) if e.kind.as_str() == "config_changed"),
        )
        .await;
        hear(&mut client.notices, |n| matches!(n, Notice::Config(_))).await;
        hear(&mut client.notices, |n| matches!(n, Notice::Planned { .. })).await;
        assert_eq!(bench.loads.get(), loads + 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_although_the_platform_answers_says_what_failed() {
    let (bench, script) = bench(true);
    script.muddled.set(true);
    let live = Settings {
        live: true,
        ..once()
    };
    with_session(live, &bench, async |mut client, hints| {
        let told = hear(&mut client.notices, |n| {
            assert!(!matches!(n, Notice::Link(Link::Down(_))), "{n:?}");
            matches!(n, Notice::Trouble(_))
        })
        .await;
        let Notice::Trouble(Some(failure)) = told else {
            unreachable!()
        };
        assert_eq!(failure.message, "`DB_PASSWORD` is not set");
        script.muddled.set(false);
        hints
            .send(Hint::Live("started".into()))
            .await
            .expect("served");
        hear(&mut client.notices, |n| {
            matches!(n, Notice::Planned { ticket: None, .. })
        })
        .await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_is_told_to_be_gone_is_absent_before_the_platform_is_asked() {
    let (bench, script) = bench(true);
    script.services.set(300);
    let live = Settings {
        live: true,
        ..once()
    };
    with_session(live, &bench, async |mut client, hints| {
        hear(&mut client.notices, |n| matches!(n, Notice::Drift { .. })).await;
        script.takes.set(Duration::from_secs(2));
        let (looks, began) = (script.looks.get(), Instant::now());
        let (address, known) = standing(7);
        let subject = LiveSubject {
            id: known.instances[0].id.clone(),
            address: address.clone(),
            instance: Instance(0),
        };
        let gone = Hint::Instance {
            text: "service.s007[0] removed".into(),
            subject,
            status: None,
        };
        hints.send(gone).await.expect("served");
        let told = hear(&mut client.notices, |n| matches!(n, Notice::Status { .. })).await;
        let Notice::Status { report, .. } = told else {
            unreachable!()
        };
        let resource = &report.resources[&address];
        assert!(resource.instances.is_empty() && !resource.ready);
        assert_eq!(report.resources.len(), 300);
        assert_eq!(script.looks.get(), looks, "nobody was asked");
        assert_eq!(began.elapsed(), Duration::ZERO);
        // The look follows all the same, and has the last word.
        let looked = hear(&mut client.notices, |n| matches!(n, Notice::Status { .. })).await;
        assert!(
            matches!(looked, Notice::Status { report, .. } if report.resources[&address].ready)
        );
        assert_eq!(script.looks.get(), looks + 1, "one look");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_falls_silent_is_told_before_it_answers_and_is_back_when_it_has() {
    let (bench, script) = bench(true);
    let live = Settings {
        live: true,
        ..once()
    };
    with_session(live, &bench, async |mut client, hints| {
        hear(&mut client.notices, |n| matches!(n, Notice::Drift { .. })).await;
        script.takes.set(Duration::from_secs(20));
        let began = Instant::now();
        hints.send(Hint::Live("died".into())).await.expect("served");
        let down = hear(&mut client.notices, |n| matches!(n, Notice::Link(_))).await;
        let Notice::Link(Link::Down(why)) = down else {
            unreachable!("{down:?}")
        };
        assert!(why.contains("has not answered"), "{why}");
        assert!(began.elapsed() < Duration::from_secs(9));
        let back = hear(&mut client.notices, |n| matches!(n, Notice::Link(_))).await;
        assert!(matches!(back, Notice::Link(Link::Up(_))), "{back:?}");
        assert!(began.elapsed() >= Duration::from_secs(20));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_published_snapshot_catches_up() {
    let (bench, _) = bench(true);
    with_session(once(), &bench, async |mut client, _| {
        client.handle.send(deploy()).expect("room");
        let ended = client
            .snapshot
            .wait_for(|s| s.run.as_ref().is_some_and(|r| r.finished.is_some()));
        assert!(ended.await.is_ok());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_run_tells_is_published_while_nothing_else_happens() {
    let (bench, script) = bench(true);
    script.endless.set(true);
    with_session(once(), &bench, async |mut client, _| {
        client.handle.send(deploy()).expect("room");
        let began = Instant::now();
        let running = client.snapshot.wait_for(|s| s.run.is_some());
        let seen = timeout(Duration::from_secs(60), running).await;
        assert!(seen.is_ok_and(|seen| seen.is_ok()), "never published");
        assert!(began.elapsed() <= FRAME, "{:?}", began.elapsed());
        let stop = Command::Stop { stop: Stop::Cancel };
        client.handle.send(stop).expect("room");
    })
    .await;
}

fn watch_services(names: &[&str]) -> Command {
    Command::Watch {
        services: names.iter().map(|name| (*name).to_owned()).collect(),
        closely: names.first().map(|name| (*name).to_owned()),
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_is_on_the_screen_is_sampled_and_leaving_stops_it() {
    let (bench, script) = bench(true);
    script.services.set(300);
    let settings = Settings {
        live: true,
        reader: Reader::Lossless,
        read_only: false,
        workers: false,
        stays: false,
    };
    with_session(settings, &bench, async |client, _hints| {
        let Client {
            handle,
            mut notices,
            ..
        } = client;
        hear(&mut notices, |n| matches!(n, Notice::Status { .. })).await;
        assert!(script.sampled.borrow().is_empty(), "nothing was wished for");
        let _ = handle.send(watch_services(&["s007"]));
        let first = hear(&mut notices, |n| matches!(n, Notice::Usage { .. })).await;
        hear(&mut notices, |n| matches!(n, Notice::Probes { .. })).await;
        let second = hear(&mut notices, |n| matches!(n, Notice::Usage { .. })).await;
        let cpu = |notice: &Notice| match notice {
            Notice::Usage { samples } => {
                let (subject, usage) = samples.first().expect("one");
                assert_eq!((samples.len(), subject.id.as_str()), (1, "id-s007"));
                usage.cpu_millis
            }
            other => panic!("{other:?}"),
        };
        assert_eq!((cpu(&first), cpu(&second)), (None, Some(500)));
        // Another service takes its place; the cursor that ran over others asked for none of them.
        for name in ["s100", "s101", "s102"] {
            let _ = handle.send(watch_services(&[name]));
        }
        hear(&mut notices, |n| matches!(n, Notice::Usage { .. })).await;
        let seen: Vec<String> = script.sampled.borrow().concat();
        assert_eq!(seen, ["id-s007", "id-s007", "id-s102"]);
        let _ = handle.send(watch_services(&[]));
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(script.sampled.borrow().len(), 3);
        drop(handle);
        while notices.recv().await.is_some() {}
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_ignored_counts_again_the_moment_its_time_is_over() {
    let (bench, script) = bench(true);
    let live = Settings {
        live: true,
        ..once()
    };
    let over = Duration::from_secs(7);
    script.drifted.borrow_mut().insert("web");
    script.ignored.borrow_mut().push(Ignored {
        address: Address::service("web"),
        path: None,
        reason: "a trial".into(),
        by: "me@here".into(),
        at: Wall(0),
        until: Some(Wall(7_000)),
    });
    with_session(live, &bench, async |mut client, _hints| {
        let began = Instant::now();
        let first = hear(&mut client.notices, |n| matches!(n, Notice::Drift { .. })).await;
        let Notice::Drift { report, .. } = first else {
            unreachable!()
        };
        assert_eq!((report.drifted.len(), report.ignored_fields()), (0, 1));
        hear(
            &mut client.notices,
            |n| matches!(n, Notice::Event(e) if e.kind.as_str() == "drift_found"),
        )
        .await;
        let late = began.elapsed().saturating_sub(over);
        assert!(late <= Duration::from_millis(200), "{late:?} late");
    })
    .await;
}

/// The platform tells that an instance of this service ended.
fn died(name: &str) -> Hint {
    Hint::Instance {
        text: format!("service.{name}[0] ended with 137"),
        subject: LiveSubject {
            id: ProviderId::new(format!("id-{name}")),
            address: Address::service(name),
            instance: Instance(0),
        },
        status: Some(Status::Exited(137)),
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_run_leaves_alone_is_told_while_it_goes_on_and_what_it_is_at_is_not() {
    let (bench, script) = bench(true);
    let live = Settings {
        live: true,
        ..once()
    };
    script.endless.set(true);
    script.changes.set(Some("a"));
    script.drifted.borrow_mut().insert("a");
    with_session(live, &bench, async |mut client, hints| {
        hear(&mut client.notices, |n| matches!(n, Notice::Drift { .. })).await;
        client.handle.send(deploy()).expect("room");
        hear(
            &mut client.notices,
            |n| matches!(n, Notice::Event(e) if e.kind.as_str() == "plan_made"),
        )
        .await;
        let looks = script.looks.get();
        // In the middle of it the platform shows `a` as recorded, and what the run is about to make anew as missing.
        script.drifted.borrow_mut().clear();
        script.drifted.borrow_mut().insert("b");
        hints.send(died("a")).await.expect("served");
        hints
            .send(Hint::Live("created".into()))
            .await
            .expect("served");
        tokio::time::sleep(Duration::from_secs(5)).await;
        let began = Instant::now();
        hints.send(died("b")).await.expect("served");
        let found = hear(&mut client.notices, |n| {
            let drift = matches!(n, Notice::Event(e) if e.kind.as_str().starts_with("drift"));
            drift || matches!(n, Notice::Drift { .. })
        })
        .await;
        let Notice::Event(event) = found else {
            panic!("{found:?}")
        };
        assert_eq!(event.address, Some(Address::service("b")));
        assert!(began.elapsed() <= Duration::from_millis(500));
        let told = hear(&mut client.notices, |n| matches!(n, Notice::Drift { .. })).await;
        let Notice::Drift { report, .. } = told else {
            unreachable!()
        };
        let known: Vec<&str> = report.drifted.keys().map(|one| one.name.as_str()).collect();
        assert_eq!(known, ["a", "b"], "what it is at stays as it was known");
        assert_eq!(script.looks.get(), looks, "nobody planned anything");
        let stop = Command::Stop { stop: Stop::Drain };
        client.handle.send(stop).expect("room");
        // Afterwards everything is as it is seen.
        let last = hear(&mut client.notices, |n| matches!(n, Notice::Drift { .. })).await;
        assert!(matches!(last, Notice::Drift { report, .. } if report.drifted.len() == 1));
    })
    .await;
}
