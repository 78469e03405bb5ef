//! Every theme tells apart what must be told apart, for every eye.

use std::path::Path;

use ratatui::style::{Color, Modifier, Style};

use crate::present::report::{ReportStyle, render};
use crate::tui::theme::color::{Colors, rgb};
use crate::tui::theme::look::Theme;
use crate::tui::theme::shelf::{BUILT_IN, Shelf};
use crate::tui::theme::tone::Tone;

const PAINTED: [&str; 4] = ["dark", "light", "colourblind-dark", "colourblind-light"];

/// Tones whose text is read, as opposed to frames.
const READ: [Tone; 18] = [
    Tone::Text,
    Tone::Dim,
    Tone::Title,
    Tone::Tab,
    Tone::Key,
    Tone::Added,
    Tone::Changed,
    Tone::Removed,
    Tone::Drift,
    Tone::Ok,
    Tone::Busy,
    Tone::Warn,
    Tone::Fail,
    Tone::EnvSafe,
    Tone::EnvShared,
    Tone::EnvProduction,
    Tone::Selected,
    Tone::FrameFocus,
];

type Rgb = (u8, u8, u8);

fn linear(channel: u8) -> f64 {
    let c = f64::from(channel) / 255.0;
    if c <= 0.040_45 {
        c / 12.92
    } else {
        ((c + 0.055) / 1.055).powf(2.4)
    }
}

fn light((red, green, blue): Rgb) -> [f64; 3] {
    [linear(red), linear(green), linear(blue)]
}

fn luminance(color: Rgb) -> f64 {
    let [r, g, b] = light(color);
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// How people see who lack one kind of cone (Machado, Oliveira and Fernandes 2009).
const EYES: [(&str, [[f64; 3]; 3]); 4] = [
    ("usual", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protanopia",
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
    ),
    (
        "deuteranopia",
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
    ),
    (
        "tritanopia",
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ),
];

/// Distance of two colours as one eye sees them, in CIE Lab; from about 20 on they are plainly two colours.
#[expect(clippy::many_single_char_names, reason = "the names of the formula")]
fn apart(a: Rgb, b: Rgb, eye: &[[f64; 3]; 3]) -> f64 {
    let lab = |color: Rgb| {
        let seen = light(color);
        let mut through = [0.0; 3];
        for (out, row) in through.iter_mut().zip(eye) {
            let sum: f64 = row.iter().zip(seen).map(|(m, x)| m * x).sum();
            *out = sum.clamp(0.0, 1.0);
        }
        let [r, g, b] = through;
        let f = |t: f64| {
            if t > 0.008_856 {
                t.cbrt()
            } else {
                7.787 * t + 16.0 / 116.0
            }
        };
        let x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
        let y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
        let z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    };
    let squares = lab(a).into_iter().zip(lab(b)).map(|(x, y)| (x - y).powi(2));
    squares.sum::<f64>().sqrt()
}

/// Letters and ground of a tone as they come out on the screen.
fn seen(theme: &Theme, tone: Tone) -> (Rgb, Rgb) {
    let style = theme.style(Tone::Text).patch(theme.style(tone));
    let shown = |color: Option<Color>| color.and_then(rgb).expect("a painted theme");
    let (fg, bg) = (shown(style.fg), shown(style.bg));
    if style.add_modifier.contains(Modifier::REVERSED) {
        (bg, fg)
    } else {
        (fg, bg)
    }
}

#[test]
fn built_in_themes_have_no_faults_and_name_every_tone() {
    let mut shelf = Shelf::built_in();
    for (name, text) in BUILT_IN {
        assert!(!shelf.get(name).expect("there").about.is_empty());
        for tone in Tone::ALL {
            let line = format!("\n{}: ", tone.name());
            assert!(text.contains(&line), "{name}: {tone:?}");
        }
    }
    let names: Vec<&str> = shelf
        .themes()
        .iter()
        .map(|theme| theme.name.as_str())
        .collect();
    assert_eq!(names, BUILT_IN.map(|(name, _)| name));
    for (name, text) in BUILT_IN {
        let (findings, _) = shelf.add("copy", Path::new(name), text);
        assert_eq!(findings, [], "{name}");
    }
}

#[test]
fn text_can_be_read_in_every_painted_theme() {
    let shelf = Shelf::built_in();
    for name in PAINTED {
        for colors in [Colors::True, Colors::TwoFiftySix] {
            let theme = shelf.theme(name, colors);
            for tone in READ {
                let (fg, bg) = seen(&theme, tone);
                let ratio = contrast(fg, bg);
                assert!(ratio >= 4.5, "{name} {colors:?} {tone:?}: {ratio:.2}");
            }
            // The chosen row of a part without the focus keeps the colours of its texts.
            let (_, away) = seen(&theme, Tone::SelectedAway);
            for tone in [Tone::Text, Tone::Ok, Tone::Fail, Tone::Warn, Tone::Changed] {
                let ratio = contrast(seen(&theme, tone).0, away);
                assert!(ratio >= 3.0, "{name} {colors:?} {tone:?} away: {ratio:.2}");
            }
        }
    }
}

#[test]
fn no_eye_takes_good_for_bad_in_the_colourblind_themes() {
    let shelf = Shelf::built_in();
    for name in ["colourblind-dark", "colourblind-light"] {
        let theme = shelf.theme(name, Colors::TwoFiftySix);
        for (a, b) in [
            (Tone::Added, Tone::Removed),
            (Tone::Added, Tone::Changed),
            (Tone::Changed, Tone::Removed),
            (Tone::Ok, Tone::Fail),
            (Tone::Ok, Tone::Warn),
            (Tone::Removed, Tone::Drift),
        ] {
            for (eye, matrix) in &EYES {
                let apart = apart(seen(&theme, a).0, seen(&theme, b).0, matrix);
                assert!(apart >= 20.0, "{name}: {a:?} and {b:?}, {eye}: {apart:.0}");
            }
        }
    }
}

#[test]
fn what_must_be_told_apart_differs_in_every_theme() {
    // Where two tones may look alike, their symbols differ: `+` and `-`, `✓` and `✗`.
    let by_symbol = [(Tone::Added, Tone::Removed), (Tone::Ok, Tone::Fail)];
    let by_style = [
        (Tone::Selected, Tone::Text),
        (Tone::SelectedAway, Tone::Text),
        (Tone::Selected, Tone::SelectedAway),
        (Tone::EnvSafe, Tone::EnvShared),
        (Tone::EnvSafe, Tone::EnvProduction),
        (Tone::EnvShared, Tone::EnvProduction),
        (Tone::FrameFocus, Tone::Frame),
        (Tone::Tab, Tone::Text),
    ];
    let shelf = Shelf::built_in();
    for (name, _) in BUILT_IN {
        for colors in [
            Colors::None,
            Colors::Sixteen,
            Colors::TwoFiftySix,
            Colors::True,
        ] {
            let theme = shelf.theme(name, colors);
            for (a, b) in by_style.into_iter().chain(by_symbol) {
                assert_ne!(
                    theme.style(a),
                    theme.style(b),
                    "{name} {colors:?}: {a:?} and {b:?}"
                );
            }
        }
    }
}

#[test]
fn without_colour_no_theme_names_one() {
    let shelf = Shelf::built_in();
    for (name, _) in BUILT_IN {
        let theme = shelf.theme(name, Colors::None);
        for tone in Tone::ALL {
            let style = theme.style(tone);
            assert_eq!((style.fg, style.bg), (None, None), "{name} {tone:?}");
        }
    }
}

#[test]
fn sixteen_colours_never_get_another() {
    let shelf = Shelf::built_in();
    for (name, _) in BUILT_IN {
        let theme = shelf.theme(name, Colors::Sixteen);
        for tone in Tone::ALL {
            let style = theme.style(tone);
            for color in [style.fg, style.bg].into_iter().flatten() {
                assert!(
                    !matches!(color, Color::Rgb(..) | Color::Indexed(_)),
                    "{name} {tone:?}"
                );
            }
        }
    }
}

#[test]
fn a_theme_of_ones_own_changes_what_it_names() {
    let mut shelf = Shelf::built_in();
    let text = "base: dark\nabout: louder\nfail: {fg: \"#ff0000 bright-red\", bold: false}\n";
    let (findings, _) = shelf.add("mine", Path::new("mine.yml"), text);
    assert_eq!(findings, []);
    let (mine, dark) = (
        shelf.theme("mine", Colors::True),
        shelf.theme("dark", Colors::True),
    );
    let fail = mine.style(Tone::Fail);
    assert_eq!(fail, Style::new().fg(Color::Rgb(255, 0, 0)));
    assert_eq!(mine.style(Tone::Ok), dark.style(Tone::Ok));
    assert_eq!(
        shelf.theme("mine", Colors::Sixteen).style(Tone::Fail).fg,
        Some(Color::LightRed)
    );
    assert_eq!(shelf.after("mono"), "mine");
    assert_eq!(shelf.after("mine"), "terminal");
}

#[test]
fn faults_of_a_theme_are_told_together_with_their_places() {
    let mut shelf = Shelf::built_in();
    let text = "base: drak\nfial: {fg: red}\nfail: {fg: rde, blod: true, dim: 3}\nok: green\nwarn: {fg: ff0000}\n";
    let (findings, sources) = shelf.add("mine", Path::new("mine.yml"), text);
    insta::assert_snapshot!(render(&findings, &sources, ReportStyle::default()), @r##"
        error[NK0502]: the base is no built-in theme
         --> mine.yml:1:7
          |
        1 | base: drak
          |       ^^^^ no such theme
          |
          = help: did you mean `dark`?

        error[NK0503]: `fial` is no tone
         --> mine.yml:2:1
          |
        2 | fial: {fg: red}
          | ^^^^ no such tone
          |
          = help: did you mean `fail`?

        error[NK0506]: `rde` is no colour
         --> mine.yml:3:12
          |
        3 | fail: {fg: rde, blod: true, dim: 3}
          |            ^^^ no such colour
          |
          = help: did you mean `red`?

        error[NK0504]: `blod` is no part of a style
         --> mine.yml:3:17
          |
        3 | fail: {fg: rde, blod: true, dim: 3}
          |                 ^^^^ not known
          |
          = help: did you mean `bold`?

        error[NK0505]: `dim` is true or false
         --> mine.yml:3:34
          |
        3 | fail: {fg: rde, blod: true, dim: 3}
          |                                  ^ this is a text

        error[NK0501]: a style is a mapping
         --> mine.yml:4:5
          |
        4 | ok: green
          |     ^^^^^ this is a text
          |
          = help: write `ok: {fg: red, bold: true}`

        error[NK0506]: `ff0000` is no colour
         --> mine.yml:5:12
          |
        5 | warn: {fg: ff0000}
          |            ^^^^^^ no such colour
          |
          = help: a colour is a name, `#rrggbb` or a number up to 255; a name behind it is for sixteen colours
        "##);
}

#[test]
fn a_colour_without_quotes_is_explained() {
    let mut shelf = Shelf::built_in();
    for text in ["ok: {fg: #ff0000}\n", "ok:\n  fg: #ff0000\n"] {
        let (findings, _) = shelf.add("mine", Path::new("mine.yml"), text);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].help[0].starts_with("quote"), "{findings:?}");
    }
}
