//! Colours: their names, and the nearest one a terminal has.

use ratatui::style::Color;

/// How many colours may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Colors {
    /// None: modifiers only (`NO_COLOR`, `--color never`).
    None,
    /// The terminal's sixteen.
    #[default]
    Sixteen,
    /// The 256 of xterm.
    TwoFiftySix,
    /// All of them.
    True,
}

/// The sixteen colours by name, with what they usually look like.
pub const SIXTEEN: [(&str, Color, (u8, u8, u8)); 16] = [
    ("black", Color::Black, (0, 0, 0)),
    ("red", Color::Red, (205, 0, 0)),
    ("green", Color::Green, (0, 205, 0)),
    ("yellow", Color::Yellow, (205, 205, 0)),
    ("blue", Color::Blue, (0, 0, 238)),
    ("magenta", Color::Magenta, (205, 0, 205)),
    ("cyan", Color::Cyan, (0, 205, 205)),
    ("white", Color::Gray, (229, 229, 229)),
    ("bright-black", Color::DarkGray, (127, 127, 127)),
    ("bright-red", Color::LightRed, (255, 0, 0)),
    ("bright-green", Color::LightGreen, (0, 255, 0)),
    ("bright-yellow", Color::LightYellow, (255, 255, 0)),
    ("bright-blue", Color::LightBlue, (92, 92, 255)),
    ("bright-magenta", Color::LightMagenta, (255, 0, 255)),
    ("bright-cyan", Color::LightCyan, (0, 255, 255)),
    ("bright-white", Color::White, (255, 255, 255)),
];

/// Steps of the 6x6x6 cube of the 256 colours.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// Reads a colour: a name, `default`, `#rrggbb`, or a number up to 255.
#[must_use]
pub fn parse(text: &str) -> Option<Color> {
    if text == "default" {
        return Some(Color::Reset);
    }
    if let Some((_, color, _)) = SIXTEEN.iter().find(|(name, ..)| *name == text) {
        return Some(*color);
    }
    let Some(digits) = text.strip_prefix('#') else {
        return text.parse().ok().map(Color::Indexed);
    };
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let number = u32::from_str_radix(digits, 16).ok()?;
    let [_, red, green, blue] = number.to_be_bytes();
    Some(Color::Rgb(red, green, blue))
}

/// Returns the nearest colour a terminal with so many has; `None` when it has none.
#[must_use]
pub fn within(color: Color, colors: Colors) -> Option<Color> {
    match colors {
        Colors::None => None,
        Colors::True => Some(color),
        Colors::TwoFiftySix => Some(match color {
            Color::Rgb(red, green, blue) => Color::Indexed(nearest_indexed((red, green, blue))),
            other => other,
        }),
        Colors::Sixteen => Some(match color {
            Color::Rgb(red, green, blue) => nearest_named((red, green, blue)),
            Color::Indexed(number) => indexed(number).map_or_else(|| named(number), nearest_named),
            other => other,
        }),
    }
}

/// Returns red, green and blue of a colour as terminals usually show it; `None` for the terminal's own default.
#[must_use]
pub fn rgb(color: Color) -> Option<(u8, u8, u8)> {
    match color {
        Color::Rgb(red, green, blue) => Some((red, green, blue)),
        Color::Indexed(number) => indexed(number).or_else(|| {
            let (_, _, shown) = SIXTEEN.get(usize::from(number))?;
            Some(*shown)
        }),
        other => SIXTEEN
            .iter()
            .find(|(_, color, _)| *color == other)
            .map(|(_, _, shown)| *shown),
    }
}

fn named(number: u8) -> Color {
    SIXTEEN
        .get(usize::from(number))
        .map_or(Color::Reset, |(_, color, _)| *color)
}

/// Red, green and blue of the colours from 16 on, which are the same everywhere.
fn indexed(number: u8) -> Option<(u8, u8, u8)> {
    let step = |index: u8| CUBE.get(usize::from(index)).copied().unwrap_or(255);
    match number {
        0..16 => None,
        16..232 => {
            let at = number - 16;
            Some((step(at / 36), step(at / 6 % 6), step(at % 6)))
        }
        232.. => {
            let grey = 8 + 10 * (number - 232);
            Some((grey, grey, grey))
        }
    }
}

fn nearest_indexed(wanted: (u8, u8, u8)) -> u8 {
    (16..=255)
        .min_by_key(|number| indexed(*number).map_or(u32::MAX, |has| apart(wanted, has)))
        .unwrap_or(16)
}

fn nearest_named(wanted: (u8, u8, u8)) -> Color {
    SIXTEEN
        .iter()
        .min_by_key(|(_, _, has)| apart(wanted, *has))
        .map_or(Color::Reset, |(_, color, _)| *color)
}

fn apart(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    let square = |x: u8, y: u8| u32::from(x.abs_diff(y)).pow(2);
    square(a.0, b.0) * 3 + square(a.1, b.1) * 4 + square(a.2, b.2) * 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_by_name_number_and_digits() {
        for (text, color) in [
            ("red", Some(Color::Red)),
            ("bright-black", Some(Color::DarkGray)),
            ("#ff5f5f", Some(Color::Rgb(255, 95, 95))),
            ("208", Some(Color::Indexed(208))),
            ("default", Some(Color::Reset)),
            ("256", None),
            ("#ff5f5", None),
            ("#+f5f5f", None),
            ("Rot", None),
        ] {
            assert_eq!(parse(text), color, "{text}");
        }
    }

    #[test]
    fn fewer_colours_give_the_nearest() {
        let orange = Color::Rgb(255, 135, 0);
        assert_eq!(within(orange, Colors::True), Some(orange));
        assert_eq!(
            within(orange, Colors::TwoFiftySix),
            Some(Color::Indexed(208))
        );
        assert_eq!(
            within(Color::Indexed(196), Colors::Sixteen),
            Some(Color::LightRed)
        );
        assert_eq!(
            within(Color::Indexed(2), Colors::Sixteen),
            Some(Color::Green)
        );
        assert_eq!(within(orange, Colors::None), None);
        for number in 16..=255 {
            let (red, green, blue) = indexed(number).expect("fixed");
            let back = within(Color::Rgb(red, green, blue), Colors::TwoFiftySix);
            let Some(Color::Indexed(back)) = back else {
                panic!("{back:?}");
            };
            assert_eq!(indexed(back), indexed(number));
        }
    }
}
