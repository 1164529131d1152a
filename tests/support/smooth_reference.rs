//! Images as binary PPM files, and a reference smoothing of them, computed as textbooks describe
//! it.

use std::fmt::{self, Write as _};
use std::path::Path;

/// An image with 8 bits for each of red, green and blue, encoded as sRGB.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Row after row.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Image {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = &self.bytes[..self.bytes.len().min(12)];
        write!(formatter, "{} x {} pixels, the first {first:?}", self.width, self.height)
    }
}

impl Image {
    /// An image of noise, the same in each run.
    pub fn noise(width: usize, height: usize) -> Self {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        Self { width, height, bytes: (0..width * height * 3).map(|_| next()).collect() }
    }

    /// Writes it to a file.
    pub fn write(&self, file: &Path) {
        let header = format!("P6\n{} {}\n255\n", self.width, self.height);
        std::fs::write(file, [header.as_bytes(), &self.bytes].concat()).unwrap();
    }

    /// Reads it from a file.
    pub fn read(file: &Path) -> Self {
        let bytes =
            std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"#"));
        let mut header = String::new();
        for _ in 0..3 {
            write!(header, "{} ", String::from_utf8_lossy(lines.next().unwrap())).unwrap();
        }
        let words: Vec<&str> = header.split_whitespace().collect();
        assert_eq!((words[0], words[3]), ("P6", "255"), "{header}");
        let (width, height): (usize, usize) =
            (words[1].parse().unwrap(), words[2].parse().unwrap());
        let bytes = bytes[bytes.len() - width * height * 3..].to_vec();
        Self { width, height, bytes }
    }

    /// The image after this many rounds, each of which averages each pixel with its neighbours in
    /// linear light. At the edges the outermost pixels repeat.
    pub fn smoothed(&self, iterations: usize) -> Self {
        let mut light: Vec<f64> = self.bytes.iter().map(|byte| linear(*byte)).collect();
        for _ in 0..iterations {
            light = (0..light.len()).map(|index| self.average(&light, index)).collect();
        }
        Self { bytes: light.into_iter().map(shown).collect(), ..*self }
    }

    fn average(&self, light: &[f64], index: usize) -> f64 {
        let (x, y, channel) = (index / 3 % self.width, index / 3 / self.width, index % 3);
        let mut sum = 0.0;
        for (across, across_weight) in [(-1, 1.0), (0, 2.0), (1, 1.0)] {
            for (down, down_weight) in [(-1, 1.0), (0, 2.0), (1, 1.0)] {
                let x = x.saturating_add_signed(across).min(self.width - 1);
                let y = y.saturating_add_signed(down).min(self.height - 1);
                sum += across_weight * down_weight * light[(y * self.width + x) * 3 + channel];
            }
        }
        sum / 16.0
    }

    /// The largest difference between a byte and the same byte of `other`, an image of the same
    /// size.
    pub fn difference(&self, other: &Self) -> u8 {
        assert_eq!((self.width, self.height), (other.width, other.height));
        let pairs = self.bytes.iter().zip(&other.bytes);
        pairs.map(|(one, other)| one.abs_diff(*other)).max().unwrap()
    }
}

/// The linear value of a byte of sRGB.
fn linear(byte: u8) -> f64 {
    let value = f64::from(byte) / 255.0;
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

fn shown(light: f64) -> u8 {
    let value =
        if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
    (value * 255.0).round() as u8
}
