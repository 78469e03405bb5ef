//! The clock of a holder is off, by minutes or by a day: what it wrote of times is shown and decides nothing.

use jiff::Timestamp;
use nanokit::domain::time::Wall;
use nanokit::formats::text;
use serde_json::Value;

use crate::cli_env::TestEnv;
use crate::fault_cases::tried;
use crate::lock_holders::{Holder, SLOW};

const RECORD: &str = ".nanokit/lock/state.json";

/// By how many minutes a clock is off.
const WRONG: [i64; 4] = [-24 * 60, -10, 10, 24 * 60];

/// The record as somebody writes it whose clock is off by so many minutes.
fn by_a_wrong_clock(record: &Value, minutes: i64) -> Value {
    let mut wrong = record.clone();
    for key in ["acquired_at", "renewed_at"] {
        let time: Timestamp = record[key]
            .as_str()
            .expect("a time")
            .parse()
            .expect("a time");
        let wrongly = Wall(time.as_millisecond() + minutes * 60_000);
        wrong[key] = text::rfc3339(wrongly).into();
    }
    // It would be one of its own.
    wrong.as_object_mut().expect("an object").remove("sha256");
    wrong
}

#[test]
fn f09_whatever_time_a_holder_wrote_the_verdict_is_the_same() {
    let env = TestEnv::with(SLOW);
    let mut holder = Holder::start(&env);
    holder.says("hook is waiting");
    // So that it does not write its record again.
    holder.signal("STOP");
    let good = env.read(RECORD);
    let here: Value = serde_json::from_str(&good).expect("a record");
    let mut elsewhere = here.clone();
    for key in ["machine", "boot_id"] {
        elsewhere["holder"][key] = "elsewhere".into();
    }
    let mut cases = 0;
    let mut judged = |record: &Value, verdict: &str| {
        for minutes in WRONG {
            env.put(RECORD, &by_a_wrong_clock(record, minutes).to_string());
            let report = env.nkapp(&["infra", "lock", "--json"]).exits(0).json();
            assert_eq!(report["verdict"], verdict, "{minutes}: {report:#}");
            env.nkapp(&["infra", "lock"]).exits(0);
            if verdict != "dead" {
                env.nkapp(&["deploy", "-y"]).exits(4);
            }
            cases += 1;
        }
        env.put(RECORD, &good);
    };
    judged(&here, "alive");
    judged(&elsewhere, "unknown");
    holder.signal("KILL");
    holder.end();
    judged(&here, "dead");
    let own = "f09_whatever_time_a_holder_wrote_the_verdict_is_the_same";
    tried(own, cases);
    // The last of them is taken over whatever it says.
    let future = by_a_wrong_clock(&here, WRONG[3]);
    env.put(RECORD, &future.to_string());
    env.put("go", "");
    env.nkapp(&["deploy", "-y"]).exits(0);
    env.nkapp(&["infra", "lock"]).exits(0).says("FREE");
}
