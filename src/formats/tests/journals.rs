//! The journal of a run.

use super::*;

fn every_line() -> Vec<journal::Line> {
    let api = Address::service("api");
    let instance = Instance(1);
    let outcome = |end, effect| journal::Line::Outcome {
        op: OpId::new("op-2"),
        end,
        effect,
    };
    let effects = [
        Effect::Announced {
            address: api.clone(),
            shape: shape(),
        },
        Effect::InstanceReady {
            address: api.clone(),
            instance,
            ready: true,
        },
        Effect::InstanceRenamed {
            address: api.clone(),
            instance,
            name: "n".to_owned(),
        },
        Effect::InstanceGone {
            address: api.clone(),
            instance,
            id: Some(ProviderId::new("c1")),
        },
        Effect::ObjectMade {
            address: Address::volume("data"),
            id: ProviderId::new("v"),
            bare: false,
        },
        Effect::ObjectGone {
            address: Address::volume("data"),
        },
        Effect::Installed {
            address: api.clone(),
            manifest: Digest::new("m"),
        },
        Effect::Applied {
            address: api.clone(),
            shape: shape(),
        },
        Effect::Forgotten {
            address: api.clone(),
        },
    ];
    let mut lines = vec![
        journal::Line::Begun {
            run: RunId::new("r1"),
            lineage: Lineage::new("9f1c"),
            epoch: Epoch(3),
        },
        journal::Line::Intent(Box::new(Intent {
            pending: pending(),
            shape: Some(shape()),
        })),
        journal::Line::Intent(Box::new(Intent {
            pending: pending(),
            shape: None,
        })),
        outcome(
            OpEnd::Done,
            Some(Effect::InstanceMade {
                address: api,
                instance,
                made: made(),
            }),
        ),
        outcome(OpEnd::Failed, None),
        outcome(OpEnd::Unknown, None),
    ];
    lines.extend(effects.into_iter().map(journal::Line::Effect));
    lines.push(journal::Line::Folded { serial: Serial(8) });
    lines
}

/// Writes lines one behind the other.
fn written(lines: &[journal::Line]) -> Vec<String> {
    let mut chain = journal::Chain::default();
    let each = lines.iter();
    each.map(|line| journal::encode_line(line, &mut chain))
        .collect()
}

#[test]
fn a_journal_is_written_and_read_back_and_its_torn_end_dropped() {
    let lines = every_line();
    let each = written(&lines);
    let text = each.concat();
    golden("journal-v2.jsonl", text.as_bytes());
    let whole = journal::decode(text.as_bytes()).unwrap();
    assert_eq!((&whole.lines, whole.torn), (&lines, 0));
    for cut in 0..text.len() {
        // A line that lacks nothing but its line break is whole: nothing less has its checksum.
        let broken = text.as_bytes()[cut] == b'\n';
        let whole = text[..cut].matches('\n').count() + usize::from(broken);
        let read = journal::decode(&text.as_bytes()[..cut]).unwrap();
        assert_eq!(read.lines, lines[..whole], "cut at {cut}");
        let end = text[..cut].rfind('\n').map_or(0, |end| end + 1);
        let torn = if broken { 0 } else { cut - end };
        assert_eq!(read.torn, torn, "cut at {cut}");
    }
    let damaged = text.replacen("\"kind\":\"intent\"", "\"kind\":\"int", 1);
    let error = journal::decode(damaged.as_bytes()).unwrap_err();
    assert!(error.to_string().starts_with("line 2: "), "{error}");
}

#[test]
fn f18_no_bit_and_no_line_of_a_journal_changes_unseen() {
    let lines = every_line();
    let each = written(&lines);
    let text = each.concat();
    let last = text.len() - each.last().unwrap().len();
    for at in 0..text.len() {
        for bit in 0..8 {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            match journal::decode(&bytes) {
                Err(_) => {}
                // Of the last line the break alone may be lost, and then nothing is.
                Ok(read) => {
                    let end = at + 1 == text.len();
                    assert!(end && at >= last, "{at}.{bit}");
                    assert!(read.torn > 0 || read.lines == lines, "{at}.{bit}");
                }
            }
        }
    }
    for left_out in 0..each.len() - 1 {
        let mut each = each.clone();
        each.remove(left_out);
        assert!(
            journal::decode(each.concat().as_bytes()).is_err(),
            "{left_out}"
        );
        if left_out + 2 < each.len() {
            each.swap(left_out, left_out + 1);
            assert!(
                journal::decode(each.concat().as_bytes()).is_err(),
                "{left_out}"
            );
        }
    }
}

#[test]
fn a_journal_of_the_version_without_checksums_is_read() {
    let old = include_bytes!("../../../tests/fixtures/formats/journal-v1.jsonl");
    assert_eq!(journal::decode(old).unwrap().lines, every_line());
    let torn = journal::decode(old.trim_ascii_end()).unwrap();
    assert_eq!(torn.lines.len() + 1, every_line().len());
    assert!(torn.torn > 0);
}
