//! Writes SHA256SUMS, and archives whose bytes depend only on the names and contents of the files.

use crate::trouble::{Result, While};
use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tar::{Builder, EntryType, Header};
use zip::write::SimpleFileOptions;
use zip::{DateTime, ZipWriter};

/// The paths of everything below a folder, relative to it, in the order of their names.
pub fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut left = vec![PathBuf::new()];
    while let Some(inside) = left.pop() {
        let path = folder.join(&inside);
        for entry in fs::read_dir(&path).doing(path.display())? {
            let entry = entry.doing(path.display())?;
            let name = inside.join(entry.file_name());
            if entry.file_type().doing(path.display())?.is_dir() {
                left.push(name.clone());
            }
            found.push(name);
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a file is executable: a file in a `bin` or `lib` folder that is not a text.
fn is_program(name: &Path) -> bool {
    let is_text = name.extension().is_some_and(|end| end == "pc" || end == "cmake");
    (name.starts_with("bin") || name.starts_with("lib")) && !is_text
}

/// Writes a `.tar.gz` of a folder. In the archive all is below the folder `top`.
pub fn tar_gz(folder: &Path, top: &str, to: &Path, time: u64) -> Result<()> {
    let file = File::create(to).doing(to.display())?;
    // 255 says that the system that made the file is unknown.
    let gzip = GzBuilder::new().mtime(0).operating_system(255);
    let mut tar = Builder::new(gzip.write(file, Compression::best()));
    let header = |kind, mode, size| {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_mtime(time);
        header.set_uid(0);
        header.set_gid(0);
        header
    };
    let mut folder_of_all = header(EntryType::Directory, 0o755, 0);
    tar.append_data(&mut folder_of_all, top, &[][..]).doing(to.display())?;
    for name in entries(folder)? {
        let (path, inside) = (folder.join(&name), Path::new(top).join(&name));
        let kind = fs::symlink_metadata(&path).doing(path.display())?;
        let written = if kind.is_dir() {
            tar.append_data(&mut header(EntryType::Directory, 0o755, 0), inside, &[][..])
        } else if kind.is_symlink() {
            let target = fs::read_link(&path).doing(path.display())?;
            tar.append_link(&mut header(EntryType::Symlink, 0o777, 0), inside, target)
        } else {
            let bytes = fs::read(&path).doing(path.display())?;
            // In an archive of sources, scripts may be in any folder.
            let may_run = is_program(&name) || kind.permissions().mode() & 0o100 != 0;
            let mode = if may_run { 0o755 } else { 0o644 };
            let mut header = header(EntryType::Regular, mode, bytes.len() as u64);
            tar.append_data(&mut header, inside, &bytes[..])
        };
        written.doing(to.display())?;
    }
    let file = tar.into_inner().doing(to.display())?.finish().doing(to.display())?;
    file.sync_all().doing(to.display())
}

/// Writes a `.zip` of a folder. In the archive all is below the folder `top`. It contains no links, and
/// its times are the earliest that the format allows.
pub fn zip(folder: &Path, top: &str, to: &Path, _time: u64) -> Result<()> {
    let mut zip = ZipWriter::new(File::create(to).doing(to.display())?);
    for name in entries(folder)? {
        let path = folder.join(&name);
        let inside = Path::new(top).join(&name).display().to_string();
        let options = SimpleFileOptions::default().last_modified_time(DateTime::default());
        if path.is_dir() {
            zip.add_directory(inside, options.unix_permissions(0o755)).doing(to.display())?;
            continue;
        }
        let mode = if is_program(&name) { 0o755 } else { 0o644 };
        zip.start_file(inside, options.unix_permissions(mode)).doing(to.display())?;
        zip.write_all(&fs::read(&path).doing(path.display())?).doing(to.display())?;
    }
    zip.finish().doing(to.display())?.sync_all().doing(to.display())
}

/// Writes SHA256SUMS of all other files in the folder, for `sha256sum --check`.
pub fn sums(folder: &Path) -> Result<()> {
    let list = folder.join("SHA256SUMS");
    let mut text = Vec::new();
    for name in entries(folder)?.iter().filter(|name| *name != Path::new("SHA256SUMS")) {
        let bytes = fs::read(folder.join(name)).doing(name.display())?;
        writeln!(text, "{:x}  {}", Sha256::digest(bytes), name.display()).doing(list.display())?;
    }
    fs::write(&list, text).doing(list.display())
}
