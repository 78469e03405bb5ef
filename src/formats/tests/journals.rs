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

#[test]
fn a_journal_is_written_and_read_back_and_its_torn_end_dropped() {
    let lines = every_line();
    let text: String = lines.iter().map(journal::encode_line).collect();
    golden("journal-v1.jsonl", text.as_bytes());
    let whole = journal::decode(text.as_bytes()).unwrap();
    assert_eq!((&whole.lines, whole.torn), (&lines, 0));
    for cut in 0..text.len() {
        let whole = text[..cut].matches('\n').count();
        let read = journal::decode(&text.as_bytes()[..cut]).unwrap();
        assert_eq!(read.lines, lines[..whole], "cut at {cut}");
        let end = text[..cut].rfind('\n').map_or(0, |end| end + 1);
        assert_eq!(read.torn, cut - end, "cut at {cut}");
    }
    let damaged = text.replacen("\"kind\":\"intent\"", "\"kind\":\"int", 1);
    let error = journal::decode(damaged.as_bytes()).unwrap_err();
    assert!(error.to_string().starts_with("line 2: "), "{error}");
}
