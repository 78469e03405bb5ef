//! Records of locks.

use super::*;

#[test]
fn a_lock_is_written_and_read_back() {
    let held = sample_lock();
    golden("lock-v1.json", &lock::encode(&held));
    let broken = LockRecord {
        status: LockStatus::Broken,
        broken: Some(Breakage {
            by: "bob@desk".to_owned(),
            reason: "the machine burned".to_owned(),
            lock_id: held.lock_id.clone(),
            verdict: "expired".to_owned(),
            ..Breakage::default()
        }),
        ..held.clone()
    };
    let free = LockRecord {
        status: LockStatus::Free,
        lineage: None,
        ..held.clone()
    };
    // Frozen documents are of the time before time namespaces were written down.
    let mut shifted = broken.clone();
    shifted.holder.time_ns = "time:[4026531834]".to_owned();
    if let Some(broken) = &mut shifted.broken {
        broken.time_ns = "time:[4026531834]".to_owned();
    }
    for record in [held, broken, shifted, free] {
        assert_eq!(lock::decode(&lock::encode(&record)), Ok(record));
    }
    assert_eq!(lock::decode(b""), Err(FormatError::Empty));
    assert!(lock::encode(&sample_lock()).len() <= 4096);
}

#[test]
fn a_lock_report_names_verdict_holder_and_evidence() {
    let mut lock_report = LockReport {
        location: ".nanokit/lock/state.json".to_owned(),
        verdict: Verdict::Alive,
        record: Some(sample_lock()),
        version: Some("v".to_owned()),
        evidence: vec![Evidence {
            check: "process".to_owned(),
            finding: "pid 42 lives".to_owned(),
            alive: Some(true),
        }],
    };
    let json = report::lock(&lock_report);
    assert_eq!(json["verdict"], "alive");
    assert_eq!(json["holder"]["pid"], 42);
    assert_eq!(json["evidence"][0]["alive"], true);
    lock_report.record.as_mut().unwrap().status = LockStatus::Free;
    assert!(report::lock(&lock_report)["holder"].is_null());
}

#[test]
fn every_single_byte_of_a_lock_is_guarded() {
    let good = lock::encode(&sample_lock());
    let whole = lock::decode(&good).unwrap();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            if let Ok(read) = lock::decode(&bytes) {
                // Only where what guards it was hit: its own name.
                assert_eq!(read, whole, "byte {at}, bit {bit}");
            }
        }
    }
    let mut document = text::parse(&good).unwrap();
    document.as_object_mut().unwrap().remove("sha256");
    let earlier = document.to_string();
    assert_eq!(
        lock::decode(earlier.as_bytes()),
        Ok(whole),
        "earlier versions wrote none"
    );
}
