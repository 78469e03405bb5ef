//! Every kind of damage, in memory: what is read is an error that names place and reason, never "nothing deployed".

use super::*;
use crate::domain::ids::{EnvName, Epoch, RunId};
use crate::engine::keeper::Keeper;
use crate::engine::lab::{Lab, scope};

fn document() -> Vec<u8> {
    let mut record = Record::new(Lineage::new("lin"), "00".repeat(32), scope());
    record.serial = Serial(7);
    record.fence = Epoch(3);
    record.engine = "engine".to_owned();
    state::encode(&record, "nanokit test")
}

/// The document with another head, as whoever wrote it would have sealed it.
fn resealed(text: &str, key: &str, value: &serde_json::Value) -> Vec<u8> {
    let mut document: serde_json::Value = serde_json::from_str(text).unwrap();
    document[key] = value.clone();
    document["sha256"] = crate::formats::text::checksum(&document).into();
    document.to_string().into_bytes()
}

/// Puts these bytes in the state's place and returns what is said of them.
async fn refused(lab: &Lab, bytes: &[u8], what: &str) -> String {
    lab.state.force(Some(bytes));
    match Keeper::open(lab, &scope()).await {
        Ok(keeper) => panic!("{what}: taken for {:?}", keeper.record()),
        Err(EngineError::BadState {
            location,
            problem,
            hint,
            ..
        }) => {
            assert_eq!(location, "memory", "{what}");
            assert!(!problem.is_empty() && !hint.is_empty(), "{what}");
            let repaired = hint.contains("`nkapp state rebuild`");
            let foreign = ["newer", "something else", "`-e`"]
                .iter()
                .any(|word| hint.contains(word));
            assert!(repaired || foreign, "{what}: {hint}");
            problem
        }
        Err(other) => panic!("{what}: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn f18_each_flipped_bit_is_noticed() {
    let lab = Lab::new();
    let good = document();
    let bits = good.len() * 8;
    // 256 spread over the file, and every bit of its first hundred bytes, where format and version stand.
    let spread = (0..256).map(|n| n * bits / 256 + n % 8);
    let mut harmless = 0;
    for bit in spread.chain(0..800) {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        // A flip that changes no content (the case of a hex digit in an escape) is no damage.
        if state::decode(&bytes).is_ok_and(|read| read == state::decode(&good).unwrap()) {
            harmless += 1;
            continue;
        }
        refused(&lab, &bytes, &format!("bit {bit}")).await;
    }
    assert_eq!(harmless, 0);
}

#[tokio::test(start_paused = true)]
async fn f18_each_truncation_is_noticed() {
    let lab = Lab::new();
    let good = document();
    for cut in (0..good.len() - 1)
        .step_by(64)
        .chain([1, 2, good.len() - 2])
    {
        let problem = refused(&lab, &good[..cut], &format!("cut at {cut}")).await;
        let named = ["empty", "cut off", "not JSON"];
        assert!(named.iter().any(|word| problem.contains(word)), "{problem}");
    }
}

#[tokio::test(start_paused = true)]
async fn f18_named_damages_are_named() {
    let lab = Lab::new();
    let text = String::from_utf8(document()).unwrap();
    let with = |old: &str, new: &str| {
        assert!(text.contains(old), "{old}");
        text.replacen(old, new, 1).into_bytes()
    };
    let signed = |change: &dyn Fn(&mut Record)| {
        let mut record = state::decode(text.as_bytes()).unwrap();
        change(&mut record);
        state::encode(&record, "x")
    };
    let bom = [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)).into_bytes();
    let cases: [(&str, Vec<u8>, &str); 20] = [
        (
            "a serial at its end",
            signed(&|record| record.serial = Serial(u64::MAX)),
            "`serial` is 18446744073709551615",
        ),
        (
            "an epoch at its end",
            signed(&|record| record.fence = Epoch(u64::MAX)),
            "`fence` is 18446744073709551615",
        ),
        ("nothing", Vec::new(), "empty"),
        ("white space", b" \n\t".to_vec(), "empty"),
        ("zeros", vec![0; 4096], "not JSON"),
        ("byte order mark", bom, "not JSON"),
        ("a list", b"[]".to_vec(), "not even an object"),
        ("a text", b"\"state\"".to_vec(), "not even an object"),
        ("deep nesting", deep, "not JSON"),
        (
            "twice a key",
            with("\"serial\": 7", "\"serial\": 7, \"serial\": 7"),
            "`serial` occurs twice",
        ),
        (
            "wrong checksum",
            with("\"serial\": 7", "\"serial\": 8"),
            "checksum",
        ),
        ("no checksum", with("\"sha256\"", "\"sha257\""), "checksum"),
        (
            "newer",
            resealed(&text, "version", &2.into()),
            "format version 2",
        ),
        (
            "newer, sealed in another way",
            text.replacen("\"serial\": 7", "\"serial\": 7, \"seal\": 1", 1)
                .replacen("\"version\": 1", "\"version\": 2", 1)
                .into_bytes(),
            "format version 2",
        ),
        (
            "a flipped version",
            with("\"version\": 1", "\"version\": 3"),
            "checksum",
        ),
        (
            "a flipped format",
            with("\"nanokit-state\"", "\"nanokit-spate\""),
            "checksum",
        ),
        (
            "older than any",
            resealed(&text, "version", &0.into()),
            "`version` is missing",
        ),
        (
            "another format",
            resealed(&text, "format", &"terraform".into()),
            "`terraform`",
        ),
        (
            "text after it",
            format!("{text}{{}}").into_bytes(),
            "not JSON",
        ),
        (
            "another environment",
            signed(&|record| record.scope.env = EnvName::parse("prod").unwrap()),
            "environment `prod`",
        ),
    ];
    for (what, bytes, reason) in cases {
        let problem = refused(&lab, &bytes, what).await;
        assert!(problem.contains(reason), "{what}: {problem}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_no_run_can_have_counted_up_to_is_damage_in_a_lock_as_well() {
    let mut record = crate::engine::lab::record();
    record.epoch = Epoch(u64::MAX);
    let error = crate::formats::lock::decode(&crate::formats::lock::encode(&record)).unwrap_err();
    assert!(
        error.is_damage() && error.to_string().contains("`epoch`"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn f45_what_a_newer_tool_or_another_project_wrote_is_never_replaced() {
    let lab = Lab::new();
    let text = String::from_utf8(document()).unwrap();
    let newer = resealed(&text, "version", &2.into());
    let other = resealed(&text, "format", &"terraform".into());
    let mut record = state::decode(text.as_bytes()).unwrap();
    record.scope.env = EnvName::parse("prod").unwrap();
    let foreign = state::encode(&record, "x");
    record.scope = scope();
    for bytes in [newer, other, foreign] {
        lab.state.force(Some(&bytes));
        let error = replaceable(&lab, &scope()).await.unwrap_err();
        assert!(matches!(error, EngineError::BadState { .. }), "{error:?}");
        assert_eq!(lab.state.bytes(), Some(bytes));
    }
}

#[tokio::test(start_paused = true)]
async fn f18_a_flipped_head_of_a_state_is_damage_and_may_be_replaced() {
    let lab = Lab::new();
    let text = String::from_utf8(document()).unwrap();
    for (old, new) in [
        ("\"version\": 1", "\"version\": 3"),
        ("\"version\": 1", "\"version\": 5"),
        ("\"version\": 1", "\"version\": 9"),
        ("nanokit-state", "nanokit-qtate"),
        ("nanokit-state", "nanokit state"),
    ] {
        let flipped = text.replacen(old, new, 1).into_bytes();
        let problem = refused(&lab, &flipped, new).await;
        assert!(problem.contains("checksum"), "{new}: {problem}");
        let there = replaceable(&lab, &scope()).await.unwrap();
        assert_eq!(there.unwrap().bytes, flipped, "{new}");
    }
}

#[tokio::test(start_paused = true)]
async fn f45_what_may_be_of_a_newer_tool_names_that_tool_and_the_way_out_that_loses_nothing() {
    let lab = Lab::new();
    let text = String::from_utf8(document()).unwrap();
    let hint_of = async || match Keeper::open(&lab, &scope()).await {
        Err(EngineError::BadState { hint, .. }) => hint,
        other => panic!("{other:?}"),
    };
    lab.state
        .force(Some(&resealed(&text, "version", &2.into())));
    let state = hint_of().await;
    lab.state.force(Some(text.as_bytes()));
    let begun = crate::formats::journal::Line::Begun {
        run: RunId::new("r1"),
        lineage: Lineage::new("lin"),
        epoch: Epoch(3),
    };
    let mut chain = crate::formats::journal::Chain::default();
    let line = crate::formats::journal::encode_line(&begun, &mut chain);
    let newer = line.replacen("\"version\":2", "\"version\":9", 1);
    assert_ne!(newer, line);
    lab.disk
        .files
        .borrow_mut()
        .insert("journal/r1".into(), newer.into_bytes());
    let journal = hint_of().await;
    for hint in [state, journal] {
        for words in ["use the newer nkapp", "`mv ", "`nkapp state rebuild`"] {
            assert!(hint.contains(words), "{words}: {hint}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f18_garbage_in_a_journal_is_named_by_its_line_and_a_torn_end_is_told() {
    let lab = Lab::new();
    lab.state.force(Some(&document()));
    let begun = crate::formats::journal::encode_line(
        &crate::formats::journal::Line::Begun {
            run: RunId::new("r1"),
            lineage: Lineage::new("lin"),
            epoch: Epoch(3),
        },
        &mut crate::formats::journal::Chain::default(),
    );
    let put = |text: String| {
        let mut files = lab.disk.files.borrow_mut();
        files.insert("journal/r1".into(), text.into_bytes());
    };
    put(format!("{begun}{{\"kind\":\"fol"));
    let keeper = Keeper::open(&lab, &scope()).await.unwrap();
    assert!(
        keeper.remarks()[0].contains("run r1"),
        "{:?}",
        keeper.remarks()
    );
    assert!(
        keeper.remarks()[0].contains("12 bytes"),
        "{:?}",
        keeper.remarks()
    );
    for garbage in [
        "\0\0\0",
        "{\"kind\":\"later\"}",
        "[]",
        "{\"kind\":\"folded\"}",
    ] {
        put(format!("{begun}{garbage}\n{begun}"));
        let error = Keeper::open(&lab, &scope()).await.unwrap_err();
        let EngineError::BadState {
            location,
            problem,
            hint,
            ..
        } = error
        else {
            panic!("{garbage}: {error:?}");
        };
        assert!(location.ends_with("journal/r1"), "{location}");
        assert!(problem.starts_with("line 2: "), "{garbage}: {problem}");
        assert!(hint.contains("journal/r1"), "{hint}");
    }
}
