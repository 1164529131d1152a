//! How wide a text is, at most. Readers have different fonts; DejaVu Sans is wider than what a browser
//! takes instead of it, so a text that has room in it has room in all.

/// The widths of the printable characters of ASCII, from the space on, in thousandths of the font's
/// size.
const WIDTHS: [u16; 95] = [
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636,
    636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632,
    575, 775, 752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685,
    611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579,
    278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838,
];

/// No bold character is wider than the regular one by more than this factor.
const BOLD: f64 = 1.24;

/// The largest width that a text can take, in the picture's units.
pub fn width(text: &str, size: f64, is_bold: bool) -> f64 {
    let of = |character: char| {
        let place = (character as usize).wrapping_sub(' ' as usize);
        *WIDTHS.get(place).unwrap_or_else(|| panic!("the width of {character:?} is not known"))
    };
    let thousandths: f64 = text.chars().map(|character| f64::from(of(character))).sum();
    thousandths / 1000.0 * size * if is_bold { BOLD } else { 1.0 }
}
