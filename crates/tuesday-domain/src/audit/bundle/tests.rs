//! A bundle is written, damaged in every way that matters, and judged by both
//! verifiers: the one here and the public script.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail loudly")]

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::super::canonical::canonical;
use super::super::checkpoint::Checkpoint;
use super::super::commit::{Commitment, SALT_LEN};
use super::super::merkle::tests::naive_root;
use super::super::merkle::{Hash, NodeId, leaf_hash};
use super::super::note::{NoteSigner, VerifierKey};
use super::super::prove::{prove_consistency, prove_inclusion};
use super::*;

const ORIGIN: &str = "example.com/tuesday";
const SALT: [u8; SALT_LEN] = [9; SALT_LEN];
const PAYLOAD: &[u8] = "Total: 1 200,00 €".as_bytes();

struct Log {
    signer: NoteSigner,
    leaves: Vec<Vec<u8>>,
    hashes: Vec<Hash>,
}

impl Log {
    fn new(count: usize) -> Self {
        let output = Commitment::new(&SALT, PAYLOAD);
        let gone = Commitment::new(&SALT, b"erased later");
        let leaf = |i: usize| {
            let entry = json!({
                "v": 1, "kind": "run.delivered", "run": format!("run-{i}"), "at": "2026-11-17T09:00:00Z",
                "digests": {"output": output, "source": gone},
            });
            canonical(&entry).unwrap()
        };
        let leaves: Vec<Vec<u8>> = (0..count).map(leaf).collect();
        let hashes = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        let signer = NoteSigner::from_seed(ORIGIN, &[3; 32]).unwrap();
        Self {
            signer,
            leaves,
            hashes,
        }
    }

    fn source(&self) -> impl FnMut(NodeId) -> Result<Hash, Infallible> + '_ {
        |id| {
            let from = (id.index << id.level) as usize;
            Ok(naive_root(&self.hashes[from..from + (1 << id.level)]))
        }
    }

    fn checkpoint(&self, size: usize) -> String {
        let root = naive_root(&self.hashes[..size]);
        let head = Checkpoint {
            origin: ORIGIN.into(),
            size: size as u64,
            root,
        };
        head.sign(&self.signer).unwrap().to_string()
    }

    fn header(&self) -> BundleHeader {
        let query = json!({"workflow": "invoice-match"});
        BundleHeader::new(self.signer.verifier(), "2026-11-18T08:00:00Z".into(), query)
    }

    /// A bundle of every third entry, three checkpoints, one payload, one erasure.
    fn bundle(&self, seal: bool) -> Vec<u8> {
        let size = self.leaves.len();
        let mut writer = BundleWriter::new(Vec::new(), &self.header()).unwrap();
        writer.newest_checkpoint(&self.checkpoint(size)).unwrap();
        for old in [4, size / 2] {
            let proof = prove_consistency(&mut self.source(), old as u64, size as u64).unwrap();
            writer
                .older_checkpoint(&self.checkpoint(old), &proof)
                .unwrap();
        }
        for index in (1..size).step_by(3) {
            let proof = prove_inclusion(&mut self.source(), index as u64, size as u64).unwrap();
            writer
                .entry(index as u64, &self.leaves[index], &proof)
                .unwrap();
        }
        let label = PayloadLabel {
            kind: Some("output"),
            run: Some("run-1"),
        };
        writer
            .payload(Commitment::new(&SALT, PAYLOAD), &SALT, PAYLOAD, label)
            .unwrap();
        let erased = Erased {
            at: "2026-12-01T00:00:00Z".into(),
            by: "principal-7".into(),
            policy: "customer-request".into(),
        };
        let gone = Commitment::new(&SALT, b"erased later");
        writer
            .erased(gone, &erased, PayloadLabel::default())
            .unwrap();
        writer.finish(seal.then_some(&self.signer)).unwrap()
    }
}

fn lines(bundle: &[u8]) -> Vec<String> {
    let text = String::from_utf8(bundle.to_vec()).unwrap();
    text.lines().map(|line| format!("{line}\n")).collect()
}

/// Recomputes counts and digest like a forger who lacks the log's key.
fn forge_end(lines: &mut Vec<String>) {
    lines.pop();
    let count = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
    let (entries, payloads) = (count("{\"index\""), count("{\"commitment\""));
    let digest = <sha2::Sha256 as sha2::Digest>::digest(lines.concat());
    let end =
        json!({"end": {"entries": entries, "payloads": payloads, "sha256": hex::encode(digest)}});
    lines.push(format!("{end}\n"));
}

/// Changes one member of one line, keeping the member order.
fn edit(lines: &mut [String], at: usize, change: impl FnOnce(&mut serde_json::Value)) {
    let mut value: serde_json::Value = serde_json::from_str(&lines[at]).unwrap();
    change(&mut value);
    lines[at] = format!("{value}\n");
}

/// Runs the public script; its exit code and output.
fn script(name: &str, bundle: &str, key: Option<&VerifierKey>) -> (i32, String) {
    for tool in [["python3", "--version"], ["openssl", "version"]] {
        let found = Command::new(tool[0])
            .arg(tool[1])
            .output()
            .is_ok_and(|o| o.status.success());
        assert!(found, "this test needs {} on the PATH", tool[0]);
    }
    let script = find_script();
    let file = std::env::temp_dir().join(format!("tuesday-bundle-{}-{name}", std::process::id()));
    std::fs::write(&file, bundle).unwrap();
    let mut command = Command::new("python3");
    command
        .arg(script)
        .arg(&file)
        .args(key.map(ToString::to_string));
    let output = command.output().unwrap();
    std::fs::remove_file(&file).unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), format!("{text}{errors}"))
}

/// The script lies in the repository this file belongs to.
fn find_script() -> PathBuf {
    let wanted = Path::new("docs/verify/verify_bundle.py");
    let start = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = start.ancestors().chain(Path::new(file!()).ancestors());
    match folders.find(|folder| folder.join(wanted).is_file()) {
        Some(folder) => folder.join(wanted),
        None => panic!("{} is missing", wanted.display()),
    }
}

/// Both verifiers must come to the same verdict.
fn judge(
    name: &str,
    lines: &[String],
    key: Option<&VerifierKey>,
    expected: u8,
) -> Option<BundleFault> {
    let bundle = lines.concat();
    let fault = verify_bundle(bundle.as_bytes(), key).err();
    let ours = fault.as_ref().map_or(0, BundleFault::exit_code);
    let (theirs, output) = script(name, &bundle, key);
    assert_eq!(
        (i32::from(ours), theirs),
        (expected.into(), expected.into()),
        "{name}: {fault:?}\n{output}"
    );
    let last = output.lines().last().unwrap_or_default();
    let word = ["GOOD", "BAD: line ", "NOT CHECKED: "][usize::from(expected)];
    assert!(last.starts_with(word), "{name}: {output}");
    fault
}

#[test]
fn a_good_bundle_holds_and_says_what_it_proves() {
    let log = Log::new(30);
    let bundle = log.bundle(true);
    let key = log.signer.verifier();
    let report = verify_bundle(bundle.as_slice(), Some(key)).unwrap();
    assert_eq!(
        (report.entries, report.first_index, report.last_index),
        (10, 1, 28)
    );
    assert_eq!((report.payloads, report.erased, report.unopened), (1, 1, 0));
    assert_eq!((report.older_checkpoints, report.newest.size), (2, 30));
    assert!(report.sealed && report.key_was_trusted && !report.is_whole_log());
    assert_eq!(report.header, log.header());
    judge("good", &lines(&bundle), Some(key), 0);
    judge("self", &lines(&bundle), None, 0);
    let unsealed = log.bundle(false);
    assert!(
        !verify_bundle(unsealed.as_slice(), Some(key))
            .unwrap()
            .sealed
    );
    judge("unsealed", &lines(&unsealed), Some(key), 0);
}

#[test]
fn an_edited_byte_in_an_entry_is_found_and_named() {
    let log = Log::new(30);
    let mut bundle = lines(&log.bundle(true));
    edit(&mut bundle, 6, |line| {
        let mut leaf = log.leaves[7].clone();
        leaf[30] ^= 1;
        line["leaf"] = super::super::to_base64(&leaf).into();
    });
    forge_end(&mut bundle);
    let fault = judge("edited", &bundle, Some(log.signer.verifier()), 1).unwrap();
    assert_eq!((fault.line, fault.index), (7, Some(7)));
    assert!(matches!(fault.kind, FaultKind::NotIncluded), "{fault}");
    assert_eq!(
        fault.to_string(),
        "line 7, entry 7: the entry is not what was signed"
    );
}

#[test]
fn a_removed_entry_is_found() {
    let log = Log::new(30);
    let key = Some(log.signer.verifier());
    let mut bundle = lines(&log.bundle(true));
    bundle.remove(6);
    let fault = judge("removed", &bundle, key, 1).unwrap();
    assert!(
        matches!(fault.kind, FaultKind::Altered("the number of entries")),
        "{fault}"
    );
    // A forger who corrects the end line has to give up the seal.
    let seal = bundle.last().unwrap().clone();
    forge_end(&mut bundle);
    assert!(
        !verify_bundle(bundle.concat().as_bytes(), key)
            .unwrap()
            .sealed
    );
    let old: serde_json::Value = serde_json::from_str(&seal).unwrap();
    let end = bundle.len() - 1;
    edit(&mut bundle, end, |line| {
        line["end"]["seal"] = old["end"]["seal"].clone()
    });
    let fault = judge("old-seal", &bundle, key, 1).unwrap();
    assert!(
        matches!(fault.kind, FaultKind::Altered("the sealed text")),
        "{fault}"
    );
}

#[test]
fn every_single_missing_swapped_or_cut_line_is_found() {
    let log = Log::new(30);
    let good = lines(&log.bundle(true));
    for at in 0..good.len() {
        let mut missing = good.clone();
        missing.remove(at);
        assert!(
            verify_bundle(missing.concat().as_bytes(), None).is_err(),
            "{at}"
        );
        let mut twice = good.clone();
        twice.insert(at, good[at].clone());
        assert!(
            verify_bundle(twice.concat().as_bytes(), None).is_err(),
            "{at}"
        );
        if at > 0 {
            let mut swapped = good.clone();
            swapped.swap(at - 1, at);
            assert!(
                verify_bundle(swapped.concat().as_bytes(), None).is_err(),
                "{at}"
            );
        }
        let cut = good[..at].concat();
        assert!(verify_bundle(cut.as_bytes(), None).is_err(), "{at}");
    }
    let mut short = good.concat();
    short.pop();
    assert!(matches!(
        verify_bundle(short.as_bytes(), None).unwrap_err().kind,
        FaultKind::CutOff
    ));
    judge("cut", &good[..good.len() - 1], None, 1);
    judge(
        "swapped",
        &[&good[..6], &[good[7].clone(), good[6].clone()], &good[8..]].concat(),
        None,
        1,
    );
    judge("nothing", &[], None, 1);
}

#[test]
fn every_single_changed_byte_is_found() {
    let log = Log::new(9);
    let good = log.bundle(true);
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert!(
            verify_bundle(bad.as_slice(), Some(log.signer.verifier())).is_err(),
            "{at}"
        );
    }
}

#[test]
fn a_truncated_or_foreign_checkpoint_is_refused() {
    let log = Log::new(30);
    let key = Some(log.signer.verifier());
    let good = lines(&log.bundle(false));
    let mut cut = good.clone();
    edit(&mut cut, 1, |line| {
        let note = line["checkpoint"].as_str().unwrap();
        line["checkpoint"] = note[..note.len() - 30].into();
    });
    forge_end(&mut cut);
    let fault = judge("truncated", &cut, key, 1).unwrap();
    assert!(
        fault.line == 2 && matches!(fault.kind, FaultKind::Checkpoint(_)),
        "{fault}"
    );

    // Signed by somebody else although the header names the trusted key.
    let forger = NoteSigner::from_seed(ORIGIN, &[4; 32]).unwrap();
    let mut foreign = good.clone();
    let head = Checkpoint::open(&log.checkpoint(30), log.signer.verifier()).unwrap();
    let note = head.sign(&forger).unwrap().to_string();
    edit(&mut foreign, 1, |line| line["checkpoint"] = note.into());
    forge_end(&mut foreign);
    judge("foreign", &foreign, key, 1);

    // Older checkpoints must be prefixes of the newest.
    let mut other = Log::new(30);
    other.hashes[2] = [0; 32];
    let mut split = good.clone();
    edit(&mut split, 3, |line| {
        line["checkpoint"] = other.checkpoint(15).into()
    });
    forge_end(&mut split);
    let fault = judge("split", &split, key, 1).unwrap();
    assert!(
        matches!(fault.kind, FaultKind::Inconsistent { old: 15, new: 30 }),
        "{fault}"
    );
}

#[test]
fn another_instances_bundle_is_told_apart() {
    let log = Log::new(30);
    let bundle = lines(&log.bundle(true));
    let other = NoteSigner::from_seed(ORIGIN, &[4; 32]).unwrap();
    let fault = judge("other-key", &bundle, Some(other.verifier()), 2).unwrap();
    assert!(
        matches!(fault.kind, FaultKind::OtherInstance { .. }),
        "{fault}"
    );
    let renamed = NoteSigner::from_seed("example.com/other", &[3; 32]).unwrap();
    judge("other-name", &bundle, Some(renamed.verifier()), 2);
}

#[test]
fn payloads_must_be_mentioned_and_fit() {
    let log = Log::new(30);
    let key = Some(log.signer.verifier());
    let good = lines(&log.bundle(false));
    let at = good
        .iter()
        .position(|line| line.starts_with("{\"commitment\""))
        .unwrap();

    let mut changed = good.clone();
    edit(&mut changed, at, |line| {
        line["content"] = super::super::to_base64(b"Total: 9").into()
    });
    forge_end(&mut changed);
    let fault = judge("payload", &changed, key, 1).unwrap();
    assert!(
        matches!(fault.kind, FaultKind::PayloadChanged(_)),
        "{fault}"
    );

    let mut stray = good.clone();
    edit(&mut stray, at, |line| {
        line["commitment"] = Commitment::new(&SALT, b"never logged").to_string().into();
        line["content"] = super::super::to_base64(b"never logged").into();
    });
    forge_end(&mut stray);
    let fault = judge("stray", &stray, key, 1).unwrap();
    assert!(matches!(fault.kind, FaultKind::NotMentioned(_)), "{fault}");

    let mut half = good.clone();
    edit(&mut half, at, |line| {
        drop(line.as_object_mut().unwrap().remove("salt"))
    });
    forge_end(&mut half);
    judge("half", &half, key, 1);
}

#[test]
fn a_bundle_without_entries_is_refused_on_both_sides() {
    let log = Log::new(5);
    let mut writer = BundleWriter::new(Vec::new(), &log.header()).unwrap();
    writer.newest_checkpoint(&log.checkpoint(5)).unwrap();
    assert!(matches!(writer.finish(None), Err(BundleWriteError::Empty)));
    let mut empty = lines(&log.bundle(false));
    empty.retain(|line| !line.starts_with("{\"index\"") && !line.starts_with("{\"commitment\""));
    forge_end(&mut empty);
    let fault = judge("empty", &empty, Some(log.signer.verifier()), 1).unwrap();
    assert!(matches!(fault.kind, FaultKind::Empty), "{fault}");
}

#[test]
fn the_writer_keeps_the_order() {
    let log = Log::new(5);
    let mut writer = BundleWriter::new(Vec::new(), &log.header()).unwrap();
    assert!(writer.entry(0, b"{}", &[]).is_err());
    assert!(writer.older_checkpoint("x", &[]).is_err());
    writer.newest_checkpoint(&log.checkpoint(5)).unwrap();
    assert!(writer.newest_checkpoint(&log.checkpoint(5)).is_err());
    let commitment = Commitment::new(&SALT, b"");
    assert!(
        writer
            .payload(commitment, &SALT, b"", PayloadLabel::default())
            .is_err()
    );
    writer.entry(3, b"{}", &[]).unwrap();
    assert!(writer.entry(3, b"{}", &[]).is_err());
    assert!(writer.older_checkpoint("x", &[]).is_err());
    writer
        .payload(commitment, &SALT, b"", PayloadLabel::default())
        .unwrap();
    assert!(writer.entry(4, b"{}", &[]).is_err());
    let stranger = NoteSigner::from_seed("example.com/other", &[4; 32]).unwrap();
    assert!(matches!(
        writer.finish(Some(&stranger)),
        Err(BundleWriteError::Seal(_))
    ));
}
