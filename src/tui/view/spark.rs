//! Small bars of a figure over time, eight levels high; a gap where it is not known.

/// The levels, from almost nothing to full. Each has its likeness in `ascii.rs`.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Draws the last `room` values, `top` being full height.
#[must_use]
pub fn bars(values: &[Option<u64>], top: u64, room: usize) -> String {
    let last = values.get(values.len().saturating_sub(room)..);
    let level = |value: &Option<u64>| match value {
        None => ' ',
        Some(value) => {
            let top = u128::from(top.max(1));
            let step = (u128::from(*value) * 8).div_ceil(top).clamp(1, 8) - 1;
            let step = usize::try_from(step).unwrap_or(0);
            LEVELS.get(step).copied().unwrap_or('█')
        }
    };
    last.unwrap_or_default().iter().map(level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_have_eight_levels_and_gaps() {
        let all: Vec<Option<u64>> = (0..=8).map(Some).collect();
        assert_eq!(bars(&all, 8, 20), "▁▁▂▃▄▅▆▇█");
        assert_eq!(bars(&[Some(9), None, Some(0)], 4, 20), "█ ▁");
        assert_eq!(bars(&all, 8, 3), "▆▇█");
        assert_eq!(bars(&[], 8, 3), "");
        assert_eq!(bars(&[Some(5)], 0, 3), "█");
        assert_eq!(bars(&[Some(u64::MAX)], u64::MAX, 3), "█");
    }

    #[test]
    fn every_level_has_an_ascii_likeness() {
        for level in LEVELS {
            let known = crate::tui::view::ascii::likeness(&level.to_string());
            assert!(known.is_some(), "{level}");
        }
    }
}
