//! An export as one file: a plain tar (POSIX ustar), which every system opens. Only what an export needs:
//! files, in the order they are given. Names that are too long get the extended header of POSIX 2001.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Error, Read, Result, Seek as _, SeekFrom, Write};
use std::path::Path;

/// A tar consists of these.
const BLOCK: u64 = 512;
/// Sizes from here on do not fit the eleven octal digits.
const OCTAL_MOST: u64 = 0o77_777_777_777;
/// Longest extended header that is read.
const EXTENDED_MOST: u64 = 1 << 16;

/// Where the bytes of a file lie, and how many they are.
pub(super) type Index = BTreeMap<String, (u64, u64)>;

/// Writes these files of a folder into `out`, one after another.
pub(super) fn pack<'a>(
    dir: &Path,
    names: impl Iterator<Item = &'a str>,
    seconds: u64,
    out: File,
) -> Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    for name in names {
        let mut file = File::open(dir.join(name))?;
        let size = file.metadata()?.len();
        let (prefix, short) = if let Some(parts) = split(name) {
            parts
        } else {
            let path = extended("path", name);
            out.write_all(&header("", "extended", path.len() as u64, seconds, b'x'))?;
            out.write_all(path.as_bytes())?;
            pad(&mut out, path.len() as u64)?;
            ("", "long")
        };
        out.write_all(&header(prefix, short, size, seconds, b'0'))?;
        let copied = std::io::copy(&mut file, &mut out)?;
        if copied != size {
            return Err(Error::other(format!("{name} changed while it was packed")));
        }
        pad(&mut out, size)?;
    }
    out.write_all(&[0; 2 * BLOCK as usize])?;
    out.flush()?;
    out.get_ref().sync_all()
}

fn pad(out: &mut impl Write, size: u64) -> Result<()> {
    let rest = usize::try_from(size.next_multiple_of(BLOCK) - size).unwrap_or(0);
    out.write_all(&vec![0; rest])
}

/// The two fields of a name; nothing when it does not fit them.
fn split(name: &str) -> Option<(&str, &str)> {
    if name.len() <= 100 {
        return Some(("", name));
    }
    let cuts = name.match_indices('/').map(|(at, _)| at);
    cuts.filter(|at| *at <= 155 && name.len() - at - 1 <= 100)
        .map(|at| (&name[..at], &name[at + 1..]))
        .next()
}

/// A record of an extended header; its length counts its own digits.
fn extended(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    format!("{length} {key}={value}\n")
}

fn header(prefix: &str, name: &str, size: u64, seconds: u64, kind: u8) -> [u8; BLOCK as usize] {
    let mut block = [0; BLOCK as usize];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, name.as_bytes());
    put(100, b"0000640\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    if size <= OCTAL_MOST {
        put(124, format!("{size:011o}\0").as_bytes());
    } else {
        put(124, &[0x80, 0, 0, 0]);
        put(128, &size.to_be_bytes());
    }
    put(136, format!("{seconds:011o}\0").as_bytes());
    put(148, b"        ");
    put(156, &[kind]);
    put(257, b"ustar\x0000");
    put(345, prefix.as_bytes());
    let sum: u64 = block.iter().map(|b| u64::from(*b)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// Where each file lies. The whole tar is gone through: what is cut off, damaged or anything but a file is
/// an error.
pub(super) fn index(path: &Path) -> Result<Index> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut file = BufReader::new(file);
    let (mut out, mut at, mut long) = (Index::new(), 0, None);
    loop {
        if at + BLOCK > length {
            return Err(Error::other("it is cut off: the end is missing"));
        }
        let mut block = [0; BLOCK as usize];
        file.read_exact(&mut block)?;
        at += BLOCK;
        if block.iter().all(|b| *b == 0) {
            return Ok(out);
        }
        let entry = read_header(&block, at - BLOCK)?;
        let end = at.checked_add(entry.size.next_multiple_of(BLOCK));
        let end = end
            .filter(|end| *end <= length)
            .ok_or_else(|| Error::other(format!("it is cut off within {}", entry.name)))?;
        match entry.kind {
            b'x' if entry.size <= EXTENDED_MOST => {
                let mut text = String::new();
                (&mut file).take(entry.size).read_to_string(&mut text)?;
                long = Some(
                    path_of(&text)
                        .ok_or_else(|| Error::other("an extended header without a path"))?,
                );
                file.seek(SeekFrom::Start(end))?;
            }
            b'5' => {
                long = None;
                file.seek(SeekFrom::Start(end))?;
            }
            b'0' | 0 => {
                let name = long.take().unwrap_or(entry.name);
                let name = name.strip_prefix("./").unwrap_or(&name).to_owned();
                if out.insert(name.clone(), (at, entry.size)).is_some() {
                    return Err(Error::other(format!("{name} is in it twice")));
                }
                file.seek(SeekFrom::Start(end))?;
            }
            _ => return Err(Error::other(format!("{} is no plain file", entry.name))),
        }
        at = end;
    }
}

struct Entry {
    name: String,
    size: u64,
    kind: u8,
}

fn read_header(block: &[u8; BLOCK as usize], at: u64) -> Result<Entry> {
    let bad = || Error::other(format!("no header of a file at byte {at}"));
    let text = |from: usize, to: usize| {
        let field = block.get(from..to).unwrap_or_default();
        let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
        std::str::from_utf8(&field[..end]).map_err(|_| bad())
    };
    let octal =
        |from: usize, to: usize| u64::from_str_radix(text(from, to)?.trim(), 8).map_err(|_| bad());
    let own: u64 = block[148..156].iter().map(|b| u64::from(*b)).sum();
    let all: u64 = block.iter().map(|b| u64::from(*b)).sum();
    if octal(148, 156)? != all - own + 8 * u64::from(b' ') || text(257, 262)? != "ustar" {
        return Err(bad());
    }
    let size = if block[124] & 0x80 != 0 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&block[128..136]);
        u64::from_be_bytes(bytes)
    } else {
        octal(124, 136)?
    };
    let (prefix, name) = (text(345, 500)?, text(0, 100)?);
    let name = if prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}/{name}")
    };
    Ok(Entry {
        name,
        size,
        kind: block[156],
    })
}

fn path_of(text: &str) -> Option<String> {
    let records = text.lines().filter_map(|l| l.split_once(' '));
    let mut pairs = records.filter_map(|(_, r)| r.split_once('='));
    pairs
        .find(|(key, _)| *key == "path")
        .map(|(_, path)| path.to_owned())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn packed(names: &[(&str, &[u8])]) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in names {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        let to = dir.path().join("x.tar");
        let files = names.iter().map(|n| n.0);
        pack(dir.path(), files, 1_790_000_000, File::create(&to).unwrap()).unwrap();
        (dir, to)
    }

    #[test]
    fn what_is_packed_is_found_and_what_is_cut_off_is_not() {
        let long = format!("a/{}/{}.txt", "b".repeat(120), "c".repeat(60));
        let longer = format!("{}/d.txt", ["e".repeat(90), "f".repeat(90)].join("/"));
        let files: [(&str, &[u8]); 4] = [
            ("one.txt", b"1"),
            ("dir/empty", b""),
            (&long, b"two"),
            (&longer, &[7; 1500]),
        ];
        let (dir, tar) = packed(&files);
        let found = index(&tar).unwrap();
        assert_eq!(found.len(), 4);
        let bytes = std::fs::read(&tar).unwrap();
        for (name, content) in files {
            let (at, size) = found[name];
            let at = usize::try_from(at).unwrap();
            assert_eq!(
                &bytes[at..at + usize::try_from(size).unwrap()],
                content,
                "{name}"
            );
        }
        // Every shorter file is refused, wherever it ends.
        let cut = dir.path().join("cut.tar");
        for end in (0..bytes.len() - 1_024)
            .step_by(97)
            .chain([bytes.len() - 1_024])
        {
            std::fs::write(&cut, &bytes[..end]).unwrap();
            let why = index(&cut).unwrap_err().to_string();
            assert!(why.contains("cut off"), "{end}: {why}");
        }
        // A header that was touched is none.
        for at in [0, 124, 150, 156, 257] {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            std::fs::write(&cut, &bytes).unwrap();
            assert!(index(&cut).is_err(), "byte {at}");
        }
    }

    #[test]
    fn sizes_beyond_eight_gigabytes_are_written_and_read() {
        let block = header("", "big", 9 << 30, 0, b'0');
        assert_eq!(read_header(&block, 0).unwrap().size, 9 << 30);
        assert_eq!(extended("path", "x"), "9 path=x\n");
        assert_eq!(extended("path", "xy"), "11 path=xy\n");
    }

    /// The system's own tar opens it, where there is one.
    #[test]
    fn another_tar_lists_the_same_names() {
        let long = format!("{}/d.txt", ["e".repeat(90), "f".repeat(90)].join("/"));
        let (_dir, tar) = packed(&[("a/b.txt", b"x"), (&long, b"y")]);
        let told = std::process::Command::new("tar")
            .arg("tf")
            .arg(&tar)
            .output()
            .unwrap();
        assert!(told.status.success(), "{told:?}");
        let names = String::from_utf8(told.stdout).unwrap();
        assert_eq!(
            names.lines().collect::<Vec<_>>(),
            ["a/b.txt", long.as_str()]
        );
    }
}
