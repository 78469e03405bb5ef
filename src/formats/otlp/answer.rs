//! What a receiver answers: how many items it did not take, and why. Whatever it is, it is read without trust.

/// Items that were not taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// How many.
    pub items: u64,
    /// Why, in the receiver's words.
    pub why: String,
}

/// Reads the answer to any of the three requests: `partial_success { rejected, error_message }`.
#[must_use]
pub fn refused(bytes: &[u8]) -> Refused {
    let mut refused = Refused::default();
    let Some((_, inner)) = fields(bytes).find(|(field, value)| *field == 1 && value.is_bytes())
    else {
        return refused;
    };
    for (field, value) in fields(inner.bytes()) {
        match (field, value) {
            (1, Value::Number(items)) => refused.items = items,
            (2, Value::Bytes(text)) => {
                let text = String::from_utf8_lossy(text);
                refused.why = text.chars().filter(|c| !c.is_control()).take(256).collect();
            }
            (_, Value::Number(_) | Value::Bytes(_)) => {}
        }
    }
    refused
}

#[derive(Clone, Copy)]
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    fn is_bytes(self) -> bool {
        matches!(self, Self::Bytes(_))
    }
    fn bytes(self) -> &'a [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Number(_) => &[],
        }
    }
}

/// Returns the fields of a message until it ends or makes no sense.
fn fields(mut rest: &[u8]) -> impl Iterator<Item = (u64, Value<'_>)> {
    std::iter::from_fn(move || {
        let key = number(&mut rest)?;
        let value = match key & 7 {
            0 => Value::Number(number(&mut rest)?),
            1 => Value::Bytes(take(&mut rest, 8)?),
            2 => {
                let length = usize::try_from(number(&mut rest)?).ok()?;
                Value::Bytes(take(&mut rest, length)?)
            }
            5 => Value::Bytes(take(&mut rest, 4)?),
            _ => return None,
        };
        Some((key >> 3, value))
    })
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(head)
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, tail) = rest.split_first()?;
        *rest = tail;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
