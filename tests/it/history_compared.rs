//! What past runs teach: how long the next plan takes, how far off that was, and what differs between two runs.

use serde_json::Value;

use crate::cli_env::TestEnv;

const FILE: &str = "\
name: compared
infra: { provider: process }
services:
  app:
    image: app:ONE
    start: [sh, -c, 'exec sleep 600']
    env: { LEVEL: 'TWO' }
    secrets: [KEY]
  side: { start: [sleep, '600'] }
secrets: { KEY: 'file://key' }
";

fn file(image: &str, level: &str) -> String {
    FILE.replace("ONE", image).replace("TWO", level)
}

fn deployed(image: &str, level: &str) -> TestEnv {
    let env = TestEnv::with(&file(image, level));
    env.put("key", "canary-of-one\n");
    env.nkapp(&["deploy", "-y"]).exits(0);
    env
}

fn deploy(env: &TestEnv, image: &str, level: &str) {
    env.put("nanokit.yml", &file(image, level));
    env.nkapp(&["deploy", "-y"]).exits(0);
}

/// Ids of the runs, the newest first.
fn runs(env: &TestEnv) -> Vec<String> {
    let listed = env.nkapp(&["run", "list", "--json"]).exits(0).json();
    let listed = listed.as_array().expect("a list");
    let ids = listed.iter().filter_map(|run| run["run_id"].as_str());
    ids.map(str::to_owned).collect()
}

#[test]
fn the_time_a_plan_takes_is_predicted_and_how_far_off_that_was_is_told() {
    let env = deployed("1", "a");
    let first = env.nkapp(&["run", "show", "--json"]).exits(0).json();
    assert_eq!(first["forecast"], Value::Null, "nothing was known yet");
    deploy(&env, "1", "b");
    // Steps of a replacement were done once by now.
    env.put("nanokit.yml", &file("1", "c"));
    let plan = env.nkapp(&["plan"]).exits(0);
    plan.says("Takes about ").says(", from 2 runs");
    let ran = env.nkapp(&["deploy", "-y"]).exits(0);
    ran.says(" of work, ");
    let shown = env.nkapp(&["run", "show", "--json"]).exits(0).json();
    let forecast = &shown["forecast"];
    let (expected, took) = (&forecast["expected_ms"], &forecast["took_ms"]);
    assert_eq!(&shown["prediction"]["expected_ms"], expected);
    let (expected, took) = (expected.as_i64(), took.as_i64());
    let (expected, took) = (expected.expect("a time"), took.expect("a time"));
    assert!(expected > 0 && took > 0, "{forecast}");
    let off = forecast["off_percent"].as_i64().expect("a number");
    let exact = (took - expected) * 100 / expected;
    assert!((off - exact).abs() <= 1, "{forecast}: {exact} %");
    env.nkapp(&["run", "show"])
        .exits(0)
        .says("expected  about ")
        .says(" of work, ")
        .says("so far: off by ");
    env.nkapp(&["run", "list"]).exits(0).says("so far: off by ");
    let listed = env.nkapp(&["run", "list", "--json"]).exits(0).json();
    assert_eq!(listed[0]["forecast"], *forecast);
}

#[test]
fn two_runs_differ_in_what_was_wanted_and_in_what_was_done() {
    let env = deployed("1", "a");
    deploy(&env, "2", "a");
    env.put("key", "canary-of-two\n");
    deploy(&env, "3", "b");
    let ids = runs(&env);
    let (created, second, third) = (&ids[2], &ids[1], &ids[0]);
    let diff = |old: &str, new: &str| {
        let said = env.nkapp(&["run", "diff", old, new]).exits(0);
        let json = env.nkapp(&["run", "diff", old, new, "--json"]).exits(0);
        (said.never_says("canary"), json.never_says("canary").json())
    };
    let (said, json) = diff(second, third);
    said.says("plan: the configuration changed: ")
        .says("plan: service.app image: docker.io/library/app:2 → docker.io/library/app:3")
        .says("plan: service.app env.LEVEL: a → b")
        .says("plan: service.app env.KEY: (sensitive) → (sensitive)")
        .never_says("side");
    let plan = json["plan"].as_array().expect("a list");
    let image = plan.iter().find(|change| change["field"] == "image");
    let image = image.expect("the image changed");
    assert_eq!(
        *image,
        serde_json::json!({
            "what": "service.app", "field": "image", "same": false, "before": "docker.io/library/app:2", "after": "docker.io/library/app:3",
        })
    );
    assert_eq!(
        (&plan[0]["what"], &plan[0]["same"]),
        (&"config".into(), &false.into())
    );

    // The first run made what the second one changed, and more.
    let (said, json) = diff(created, second);
    said.says("plan: service.app: create → update")
        .says("plan: service.app image: docker.io/library/app:1 → docker.io/library/app:2")
        .says("plan: service.side: create → nothing")
        .never_says("LEVEL");
    let side = serde_json::json!({
        "what": "service.side", "same": false, "before": "create", "after": null,
    });
    assert!(
        json["plan"]
            .as_array()
            .is_some_and(|all| all.contains(&side)),
        "{json:#}"
    );

    env.nkapp(&["deploy", "-y", "--force"]).exits(0);
    let same = runs(&env);
    let (said, json) = diff(&same[0], &same[0]);
    said.says("plan: the configuration is the same");
    assert_eq!(
        json["plan"],
        serde_json::json!([{"what": "config", "same": true}])
    );
}
