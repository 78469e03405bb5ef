//! The state, what damages it, and what of it is printed.

use super::*;

#[test]
fn the_state_is_written_and_read_back() {
    let record = sample_record();
    let bytes = state::encode(&record, "nanokit 0.1.0");
    golden("state-v1.json", &bytes);
    let decoded = state::decode(&bytes).unwrap();
    assert_eq!(decoded, record);
    assert_eq!(decoded.strays, []);
}

#[test]
fn that_a_volume_had_no_labels_is_remembered_and_nothing_is_written_where_it_had() {
    let mut record = sample_record();
    let data = Address::volume("data");
    record.resources.get_mut(&data).unwrap().bare = true;
    let bytes = state::encode(&record, "nanokit 0.1.0");
    assert_eq!(state::decode(&bytes).unwrap(), record);
    let made = |bare| {
        journal::Line::Effect(Effect::ObjectMade {
            address: data.clone(),
            id: ProviderId::new("v"),
            bare,
        })
    };
    for bare in [true, false] {
        let text = journal::encode_line(&made(bare), &mut journal::Chain::default());
        assert_eq!(text.contains("bare"), bare, "{text}");
        assert_eq!(
            journal::decode(text.as_bytes()).unwrap().lines,
            [made(bare)]
        );
    }
}

/// Writes the checksum of a hand-made document.
fn sealed(mut document: serde_json::Value) -> Vec<u8> {
    document["sha256"] = text::checksum(&document).into();
    document.to_string().into_bytes()
}

fn state_json() -> serde_json::Value {
    let bytes = state::encode(&sample_record(), "nanokit 0.1.0");
    text::parse(&bytes).unwrap()
}

#[test]
fn keys_of_a_later_version_survive_where_they_stood() {
    let mut document = state_json();
    document["later"] = serde_json::json!({"a": [1, {"b": null}]});
    document["resources"]["service.api"]["colour"] = "red".into();
    document["resources"]["service.api"]["instances"]["0"]["zone"] = 3.into();
    document["resources"]["service.api"]["teardown"]["soft"] = 1.into();
    document["resources"]["volume.data"]["backup"] = true.into();
    let mut decoded = state::decode(&sealed(document)).unwrap();
    let gone = Address::volume("data");
    decoded.resources.remove(&gone);
    let again = text::parse(&state::encode(&decoded, "nanokit 9")).unwrap();
    assert_eq!(again["later"], serde_json::json!({"a": [1, {"b": null}]}));
    assert_eq!(again["resources"]["service.api"]["colour"], "red");
    assert_eq!(
        again["resources"]["service.api"]["instances"]["0"]["zone"],
        3
    );
    assert_eq!(again["resources"]["service.api"]["teardown"]["soft"], 1);
    assert!(again["resources"].get("volume.data").is_none());
    assert!(state::decode(again.to_string().as_bytes()).is_ok());
}

#[test]
fn every_damage_of_a_state_is_an_error_with_a_name() {
    let good = state_json().to_string();
    let changed = good.replace("\"serial\":7", "\"serial\":8");
    let newer = sealed({
        let mut document = state_json();
        document["version"] = 2.into();
        document
    });
    let other = sealed({
        let mut document = state_json();
        document["format"] = "terraform".into();
        document
    });
    let bad_address = sealed({
        let mut document = state_json();
        document["resources"]["pod.x"] = document["resources"]["volume.data"].clone();
        document
    });
    let no_key = sealed({
        let mut document = state_json();
        document.as_object_mut().unwrap().remove("digest_key");
        document
    });
    let twice = good.replacen("\"serial\":7", "\"serial\":7,\"serial\":7", 1);
    let cut = good.as_bytes()[..good.len() / 2].to_vec();
    let check = |what: &str, bytes: &[u8], is: fn(&FormatError) -> bool| {
        let error = state::decode(bytes).expect_err(what);
        assert!(is(&error), "{what}: {error:?}");
        assert!(!error.hint().is_empty());
    };
    check("empty", b"", |e| matches!(e, FormatError::Empty));
    check("truncated", &cut, |e| {
        matches!(e, FormatError::Truncated { .. })
    });
    check("zeros", &[0; 4096], |e| {
        matches!(e, FormatError::NotJson { .. })
    });
    check("text", b"hello", |e| {
        matches!(e, FormatError::NotJson { .. })
    });
    check("edited", changed.as_bytes(), |e| {
        matches!(e, FormatError::Checksum { .. })
    });
    check("newer", &newer, |e| {
        matches!(e, FormatError::Newer { found: 2, .. })
    });
    check("other", &other, |e| {
        matches!(e, FormatError::OtherFormat { .. })
    });
    check("list", b"[]", |e| {
        matches!(e, FormatError::OtherFormat { .. })
    });
    check(
        "duplicate",
        twice.as_bytes(),
        |e| matches!(e, FormatError::DuplicateKey(key) if key == "serial"),
    );
    check(
        "address",
        &bad_address,
        |e| matches!(e, FormatError::Field(text) if text.contains("pod.x")),
    );
    check(
        "key",
        &no_key,
        |e| matches!(e, FormatError::Field(text) if text.contains("digest_key")),
    );
}

#[test]
fn every_single_byte_of_a_state_is_guarded() {
    let good = state::encode(&sample_record(), "nanokit 0.1.0");
    let whole = state::decode(&good).unwrap();
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
        // Only a change of blank space between values may go unnoticed, and an `x` there is none.
        assert!(state::decode(&bytes).is_err(), "byte {at}");
        if let Ok(cut) = state::decode(&good[..at]) {
            assert_eq!(cut, whole, "cut at {at}");
            assert_eq!(at, good.len() - 1, "only the last line break may be cut");
        }
    }
}

#[test]
fn the_printed_record_has_no_key() {
    let printed = report::record(&sample_record()).to_string();
    assert!(!printed.contains(&sample_record().digest_key));
    assert!(printed.contains("\"serial\":7"));
}
