//! Wishes side by side, their ends, and what front ends that leave do to them.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_second_deploy_is_refused_while_one_runs_and_reading_goes_on() {
    let (bench, script) = bench(true);
    script.endless.set(true);
    with_session(once(), &bench, async |mut client, _| {
        let first = client.handle.send(deploy()).expect("room");
        hear(&mut client.notices, |n| matches!(n, Notice::Event(_))).await;
        let second = client.handle.send(deploy()).expect("room");
        let refused = hear(&mut client.notices, answers(second)).await;
        let Notice::Failed { failure, .. } = refused else {
            panic!("not refused: {refused:?}");
        };
        assert_eq!(failure.kind, FailureKind::Locked);
        assert_eq!(failure.message, "a deploy is under way in this session");
        let status = client.handle.send(Command::Status).expect("room");
        let read = hear(&mut client.notices, answers(status)).await;
        assert!(matches!(read, Notice::Done { .. }));
        client
            .handle
            .send(Command::Stop { stop: Stop::Cancel })
            .expect("room");
        // A weaker wish afterwards changes nothing.
        client
            .handle
            .send(Command::Stop { stop: Stop::Drain })
            .expect("room");
        let end = hear(&mut client.notices, answers(first)).await;
        let Notice::Failed { failure, .. } = end else {
            panic!("not interrupted: {end:?}");
        };
        assert_eq!(failure.kind, FailureKind::Interrupted);
        let third = client.handle.send(Command::Rebuild).expect("room");
        let end = hear(&mut client.notices, answers(third)).await;
        assert!(matches!(end, Notice::Done { .. }), "{end:?}");
    })
    .await;
    assert_eq!(script.stopped_with.get(), Some(Stop::Cancel));
}

#[tokio::test(start_paused = true)]
async fn a_front_end_that_leaves_drains_its_run() {
    let (bench, script) = bench(true);
    script.endless.set(true);
    with_session(once(), &bench, async |mut client, _| {
        client.handle.send(deploy()).expect("room");
        hear(&mut client.notices, |n| matches!(n, Notice::Event(_))).await;
    })
    .await;
    assert_eq!(script.stopped_with.get(), Some(Stop::Drain));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_run_comes_after_its_last_event() {
    let (bench, _) = bench(true);
    with_session(once(), &bench, async |mut client, _| {
        let ticket = client.handle.send(deploy()).expect("room");
        let mut kinds = Vec::new();
        loop {
            match client.notices.recv().await.expect("there") {
                Notice::Event(event) => kinds.push(event.kind.as_str()),
                Notice::Done { ticket: t, end } if t == ticket => {
                    assert_eq!(end, End::Run(RunOutcome::Ok));
                    break;
                }
                _ => {}
            }
        }
        assert_eq!(kinds, ["run_started", "run_finished"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_a_valid_file_every_wish_says_so() {
    let (bench, _) = bench(false);
    with_session(once(), &bench, async |mut client, _| {
        for command in [deploy(), Command::Status, Command::Record, Command::Runs] {
            let ticket = client.handle.send(command).expect("room");
            let end = hear(&mut client.notices, answers(ticket)).await;
            let Notice::Failed { failure, .. } = end else {
                panic!("not refused: {end:?}");
            };
            assert_eq!(failure.kind, FailureKind::InvalidConfig);
            assert_eq!(failure.next.as_deref(), Some("nkapp validate"));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_goes_on_by_itself_can_be_forgotten() {
    let (bench, _) = bench(true);
    with_session(once(), &bench, async |mut client, _| {
        let request = LogRequest {
            service: "api".into(),
            instance: None,
            tail: None,
            follow: true,
            timestamps: false,
        };
        let logs = client.handle.send(Command::Logs { request }).expect("room");
        hear(&mut client.notices, |n| matches!(n, Notice::Output { .. })).await;
        client
            .handle
            .send(Command::Forget { ticket: logs })
            .expect("room");
        let end = hear(&mut client.notices, answers(logs)).await;
        assert!(matches!(end, Notice::Done { .. }));
    })
    .await;
}
