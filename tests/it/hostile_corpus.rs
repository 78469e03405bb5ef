//! Replays every input that fuzzing kept through the same entries, on every commit and without a fuzzer.

use std::path::Path;

#[path = "../fuzz/entries.rs"]
mod entries;

#[test]
fn s25_the_kept_inputs_of_every_fuzz_target_still_hold() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz");
    for (name, entry) in entries::ENTRIES {
        let target = fuzz.join(format!("targets/{name}.rs"));
        assert!(target.exists(), "no target for the entry `{name}`");
        let mut inputs: Vec<_> = std::fs::read_dir(fuzz.join("corpus").join(name))
            .expect("a corpus of that name")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        inputs.sort();
        assert!(inputs.len() >= 3, "{name} has {} inputs", inputs.len());
        for input in inputs {
            let data = std::fs::read(&input).expect("readable");
            let held = std::panic::catch_unwind(|| entry(&data));
            assert!(held.is_ok(), "{} breaks a promise", input.display());
            // Cut in half and with a byte turned, it holds as well.
            let half = data.get(..data.len() / 2).unwrap_or_default();
            let mut turned = data.clone();
            if let Some(byte) = turned.get_mut(data.len() / 3) {
                *byte ^= 0x10;
            }
            for changed in [half, &turned] {
                let held = std::panic::catch_unwind(|| entry(changed));
                assert!(
                    held.is_ok(),
                    "{}, changed, breaks a promise",
                    input.display()
                );
            }
        }
    }
}
