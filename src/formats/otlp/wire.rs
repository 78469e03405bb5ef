//! Protobuf, as far as OTLP needs it: fields of a message, written one after the other.

/// A message being written. What has its default value is left out, as the format wants it.
#[derive(Clone, Debug, Default)]
pub(super) struct Message {
    bytes: Vec<u8>,
}

const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const BYTES: u64 = 2;
const FIXED32: u64 = 5;

impl Message {
    /// Returns what was written.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Writes a number of variable length.
    pub(super) fn varint(&mut self, field: u64, value: u64) -> &mut Self {
        if value != 0 {
            self.always_varint(field, value);
        }
        self
    }

    /// Writes a number that means something even when it is 0.
    pub(super) fn always_varint(&mut self, field: u64, value: u64) -> &mut Self {
        self.key(field, VARINT);
        self.number(value);
        self
    }

    /// Writes eight bytes.
    pub(super) fn fixed64(&mut self, field: u64, value: u64) -> &mut Self {
        self.key(field, FIXED64);
        self.bytes.extend(value.to_le_bytes());
        self
    }

    /// Writes four bytes.
    pub(super) fn fixed32(&mut self, field: u64, value: u32) -> &mut Self {
        self.key(field, FIXED32);
        self.bytes.extend(value.to_le_bytes());
        self
    }

    /// Writes a fraction.
    pub(super) fn double(&mut self, field: u64, value: f64) -> &mut Self {
        self.fixed64(field, value.to_bits())
    }

    /// Writes a text.
    pub(super) fn text(&mut self, field: u64, value: &str) -> &mut Self {
        self.blob(field, value.as_bytes())
    }

    /// Writes bytes.
    pub(super) fn blob(&mut self, field: u64, value: &[u8]) -> &mut Self {
        if !value.is_empty() {
            self.always_blob(field, value);
        }
        self
    }

    /// Writes bytes, an empty text too: where one of several shapes is chosen, being there is what counts.
    pub(super) fn always_blob(&mut self, field: u64, value: &[u8]) -> &mut Self {
        self.key(field, BYTES);
        self.number(value.len() as u64);
        self.bytes.extend_from_slice(value);
        self
    }

    /// Writes a message inside this one.
    pub(super) fn message(&mut self, field: u64, value: &Self) -> &mut Self {
        self.always_blob(field, &value.bytes)
    }

    /// Writes many numbers of eight bytes.
    pub(super) fn packed64(&mut self, field: u64, values: impl Iterator<Item = u64>) -> &mut Self {
        let packed: Vec<u8> = values.flat_map(u64::to_le_bytes).collect();
        self.blob(field, &packed)
    }

    fn key(&mut self, field: u64, wire: u64) {
        self.number(field << 3 | wire);
    }

    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push((value & 0x7f) as u8);
    }
}
