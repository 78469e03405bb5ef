//! Replays every input that fuzzing kept through the same entries, on every commit and without a fuzzer.

use std::path::Path;

use crate::fault_cases::tried;

#[path = "../fuzz/entries.rs"]
mod entries;

/// Changes of every kept input that are tried; `NANOKIT_MUTATE` says how many.
const MUTATIONS: u64 = 60;

/// Words that parsers treat in their own way.
const TOKENS: [&[u8]; 24] = [
    b"\x1b[",
    b"\x1b]52;c;",
    b"\xc2\x9b",
    b"\xff",
    b"\0",
    b"\r",
    b"\n",
    b"\"",
    b"\\u0000",
    b"\\ud800",
    b"[[[[[[[[",
    b"{\"",
    b"}",
    b"1e999",
    b"-1",
    b"18446744073709551616",
    b"null",
    b"&a *a",
    b"<<: ",
    b"!!binary ",
    b"${",
    b"%",
    b": ",
    b"\xe2\x80\xae",
];

/// Numbers that are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % below.max(1)
    }
}

/// Turns, cuts, repeats, splices or adds a few pieces of an input.
fn changed(data: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = data.to_vec();
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(bytes.len() + 1);
        match dice.roll(6) {
            0 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << dice.roll(8);
                }
            }
            1 => drop(bytes.splice(at..at, TOKENS[dice.roll(TOKENS.len())].iter().copied())),
            2 => {
                let end = (at + dice.roll(40)).min(bytes.len());
                bytes.drain(at..end);
            }
            3 => {
                let end = (at + dice.roll(200)).min(bytes.len());
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            4 => {
                let from = dice.roll(other.len() + 1);
                let end = (from + dice.roll(120)).min(other.len());
                bytes.splice(at..at, other[from..end].iter().copied());
            }
            _ => bytes.truncate(at),
        }
    }
    bytes
}

#[test]
fn s25_changes_of_the_kept_inputs_break_no_promise_either() {
    let wanted = std::env::var("NANOKIT_MUTATE")
        .ok()
        .and_then(|text| text.parse().ok());
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let (mut broken, mut cases) = (Vec::new(), 0);
    for (name, entry) in entries::ENTRIES {
        let mut inputs: Vec<_> = std::fs::read_dir(fuzz.join(name))
            .expect("a corpus of that name")
            .map(|entry| std::fs::read(entry.expect("an entry").path()).expect("readable"))
            .collect();
        inputs.sort();
        for (n, data) in inputs.iter().enumerate() {
            for seed in 0..wanted.unwrap_or(MUTATIONS) {
                let mut dice = Dice(seed * 1000 + n as u64);
                let other = &inputs[dice.roll(inputs.len())];
                let input = changed(data, other, &mut dice);
                cases += 1;
                if std::panic::catch_unwind(|| entry(&input)).is_err() {
                    broken.push(format!("{name}: {:?}", input.escape_ascii().to_string()));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    let own = "s25_changes_of_the_kept_inputs_break_no_promise_either";
    tried(own, cases);
}

#[test]
fn s25_the_kept_inputs_of_every_fuzz_target_still_hold() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz");
    let mut cases = 0;
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
            cases += 3;
        }
    }
    let own = "s25_the_kept_inputs_of_every_fuzz_target_still_hold";
    tried(own, cases);
}
