//! Exports part of the audit log as one file that a stranger can verify: entries with their proofs,
//! older checkpoints, the payloads behind the commitments, sealed by the log's key.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;

use serde_json::Value;
use tuesday_domain::actor::Actor;
use tuesday_domain::audit::{
    BundleHeader, BundleWriteError, BundleWriter, Commitment, Erased, NodeId, PayloadLabel,
    TILE_WIDTH, TileId, TileNodes, VerifierKey, consistency_plan, inclusion_plan,
};
use tuesday_domain::id::RunId;
use tuesday_domain::privacy::is_gone;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{PayloadKind, Subject};
use tuesday_domain::time::Timestamp;
use tuesday_store::{AuditFilter, TileKey};

use super::task::not_found;
use crate::engine::{Engine, read_problem};

/// Entries read at once.
const PAGE: usize = 1_000;
/// Older checkpoints that are taken along, spread over the log's life.
const OLDER: usize = 32;
/// Tiles kept in memory at once, 8 KiB each.
const MOST_TILES: usize = 2_048;

/// What is exported: the entries of one run, or those that match all the rest.
#[derive(Clone, Debug, Default)]
pub struct ExportQuery {
    /// One run and nothing else.
    pub run: Option<RunId>,
    /// Entries of one workflow.
    pub workflow: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// Leave out what was read, said and written: entries and proofs only.
    pub without_payloads: bool,
}

/// What was exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Exported {
    /// Entries.
    pub entries: u64,
    /// Payloads.
    pub payloads: u64,
    /// Entries that the newest checkpoint covers.
    pub size: u64,
    /// Whether the log's key sealed the bundle.
    pub sealed: bool,
}

/// What the picked entries committed to: a payload by run, kind and number.
type Mentioned = HashMap<(RunId, PayloadKind, u32), Commitment>;

/// One entry that was picked.
struct Picked {
    index: u64,
    run: Option<RunId>,
}

impl Engine {
    /// The public key of the log, on a node that signs it.
    #[must_use]
    pub fn log_key(&self) -> Option<VerifierKey> {
        let signer = self.0.config.signer.as_deref();
        signer.map(|s| s.verifier().clone())
    }
}

impl Engine {
    /// Seals the log and writes a bundle to `out`. `progress` hears how many of how many entries are written.
    ///
    /// # Errors
    /// `bad_request` when `from` lies behind `to`, `not_found` when nothing matches, `record_damaged`
    /// when a payload is not what the log committed to, `unavailable` when writing fails.
    pub async fn export<W: Write + Send>(
        &self,
        query: &ExportQuery,
        by: &Actor,
        key: &VerifierKey,
        out: W,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Exported, Problem> {
        if let (Some(from), Some(to)) = (query.from, query.to)
            && from >= to
        {
            return Err(
                Problem::new("bad_request", "the time range ends before it begins").field("from"),
            );
        }
        // Whoever takes contents out is on record before the first byte is.
        let contents = if query.without_payloads { "no" } else { "yes" };
        let of_run = match query.run {
            Some(id) => self.0.reader.run(id).await.map_err(read_problem)?,
            None => None,
        };
        let workflow = query.workflow.clone().or(of_run.map(|r| r.workflow));
        let when = |t: Option<Timestamp>| t.map(|t| t.rfc3339()).unwrap_or_default();
        let facts = [
            ("contents", contents.to_owned()),
            ("run", query.run.map(|r| r.to_string()).unwrap_or_default()),
            ("from", when(query.from)),
            ("to", when(query.to)),
        ];
        let subject = workflow.map_or(Subject::Instance, Subject::Workflow);
        self.access_event("audit.exported", by, subject, &facts)
            .await?;
        self.seal().await?;
        let reader = &self.0.reader;
        let head = reader
            .latest_checkpoint()
            .await
            .map_err(read_problem)?
            .ok_or_else(|| not_found("signed checkpoint"))?;
        let picked = self.pick(query, head.size).await?;
        if picked.is_empty() {
            return Err(Problem::new("not_found", "no entry matches")
                .way_out("widen the time range, or leave a condition out"));
        }
        let header = BundleHeader::new(key, self.now().rfc3339(), asked(query));
        let mut bundle = BundleWriter::new(out, &header).map_err(write_problem)?;
        let mut tiles = Tiles {
            engine: self,
            size: head.size,
            kept: BTreeMap::new(),
        };
        bundle
            .newest_checkpoint(&head.note)
            .map_err(write_problem)?;
        for older in self.older(head.size).await? {
            let plan = consistency_plan(older.0, head.size)
                .ok_or_else(|| damaged("a checkpoint is larger than the newest"))?;
            let proof = tiles.prove(&[plan]).await?;
            bundle
                .older_checkpoint(&older.1, proof.first().map_or(&[], Vec::as_slice))
                .map_err(write_problem)?;
        }
        let mentioned = self
            .entries(&picked, head.size, &mut bundle, &mut tiles, &mut progress)
            .await?;
        let payloads = if query.without_payloads {
            0
        } else {
            self.payloads(&picked, &mentioned, &mut bundle).await?
        };
        let signer = self.0.config.signer.as_deref();
        bundle.finish(signer).map_err(write_problem)?;
        Ok(Exported {
            entries: picked.len() as u64,
            payloads,
            size: head.size,
            sealed: signer.is_some(),
        })
    }

    /// Places of the matching entries, ascending. Leaves are read again when they are written, so that
    /// an export of any size needs a few bytes an entry.
    async fn pick(&self, query: &ExportQuery, size: u64) -> Result<Vec<Picked>, Problem> {
        let reader = &self.0.reader;
        if let Some(run) = query.run {
            let found = reader.audit_of(run).await.map_err(read_problem)?;
            if found.is_empty() {
                return Err(not_found(&run.to_string()));
            }
            let mut places: Vec<u64> = found
                .iter()
                .filter_map(|e| e.0)
                .filter(|i| *i < size)
                .collect();
            places.sort_unstable();
            return Ok(places
                .into_iter()
                .map(|index| Picked {
                    index,
                    run: Some(run),
                })
                .collect());
        }
        if let Some(workflow) = &query.workflow {
            self.known_workflow(workflow).await?;
        }
        let filter = AuditFilter {
            workflow: query.workflow.clone(),
            from: query.from,
            to: query.to,
            kind: None,
            ..AuditFilter::default()
        };
        let (mut after, mut picked) = (Some(size), Vec::new());
        loop {
            let page = reader
                .audit_page(&filter, after, PAGE)
                .await
                .map_err(read_problem)?;
            let full = page.len() == PAGE;
            after = page.last().and_then(|r| r.index);
            picked.extend(page.iter().filter_map(|r| {
                Some(Picked {
                    index: r.index?,
                    run: r.run,
                })
            }));
            if !full {
                picked.reverse();
                return Ok(picked);
            }
        }
    }

    /// Size and note of older checkpoints: the first, the last, and some between.
    async fn older(&self, size: u64) -> Result<Vec<(u64, String)>, Problem> {
        let all = self.0.reader.checkpoints().await.map_err(read_problem)?;
        let mut older: Vec<_> = all
            .into_iter()
            .filter(|c| c.size < size)
            .map(|c| (c.size, c.note))
            .collect();
        let step = older.len().div_ceil(OLDER).max(1);
        let last = older.len().saturating_sub(1);
        let mut at = 0..;
        older.retain(|_| at.next().is_some_and(|i| i % step == 0 || i == last));
        Ok(older)
    }

    async fn entries<W: Write + Send>(
        &self,
        picked: &[Picked],
        size: u64,
        bundle: &mut BundleWriter<W>,
        tiles: &mut Tiles<'_>,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<Mentioned, Problem> {
        let (mut mentioned, mut written) = (Mentioned::new(), 0);
        let (mut page, mut page_at): (Vec<Vec<u8>>, u64) = (Vec::new(), 0);
        for chunk in picked.chunks(PAGE) {
            let plans: Option<Vec<_>> = chunk
                .iter()
                .map(|p| inclusion_plan(p.index, size))
                .collect();
            let proofs = tiles
                .prove(&plans.ok_or_else(|| damaged("an entry lies outside the signed log"))?)
                .await?;
            for (p, proof) in chunk.iter().zip(&proofs) {
                if p.index < page_at || p.index >= page_at + page.len() as u64 {
                    (page, page_at) = (
                        self.0
                            .reader
                            .leaves(p.index, PAGE)
                            .await
                            .map_err(read_problem)?,
                        p.index,
                    );
                }
                let leaf = usize::try_from(p.index - page_at)
                    .ok()
                    .and_then(|i| page.get(i));
                let leaf = leaf.ok_or_else(|| damaged("an entry is gone"))?;
                note_commitments(p.run, leaf, &mut mentioned);
                bundle.entry(p.index, leaf, proof).map_err(write_problem)?;
                written += 1;
            }
            progress(written, picked.len() as u64);
        }
        Ok(mentioned)
    }

    async fn payloads<W: Write + Send>(
        &self,
        picked: &[Picked],
        mentioned: &Mentioned,
        bundle: &mut BundleWriter<W>,
    ) -> Result<u64, Problem> {
        let runs: BTreeSet<RunId> = picked.iter().filter_map(|p| p.run).collect();
        let mut count = 0;
        for run in runs {
            let name = run.to_string();
            let mut gone = None;
            for p in self.0.reader.payloads(run).await.map_err(read_problem)? {
                let Some(said) = mentioned.get(&(run, p.kind, p.n)) else {
                    continue;
                };
                let label = PayloadLabel {
                    kind: Some(p.kind.word()),
                    run: Some(&name),
                };
                if is_gone(&p) {
                    let gone = match &gone {
                        Some(gone) => gone,
                        None => gone.insert(self.erasures_of(run).await?),
                    };
                    let Some(erasure) = gone.get(&format!("{}/{}", p.kind, p.n)) else {
                        return Err(damaged(&format!(
                            "payload {}/{} of {name} is gone, and no entry says that it was erased",
                            p.kind, p.n
                        )));
                    };
                    let erased = Erased {
                        at: erasure.at.rfc3339(),
                        by: erasure.by.clone(),
                        policy: erasure.policy.clone(),
                    };
                    bundle
                        .erased(*said, &erased, label)
                        .map_err(write_problem)?;
                    continue;
                }
                if !said.opens_with(&p.salt, &p.bytes) {
                    return Err(damaged(&format!(
                        "payload {}/{} of {name} is not what the log committed to",
                        p.kind, p.n
                    ))
                    .way_out("export with --no-payloads, and keep the database as it is"));
                }
                bundle
                    .payload(*said, &p.salt, &p.bytes, label)
                    .map_err(write_problem)?;
                count += 1;
            }
        }
        Ok(count)
    }
}

/// Stored tiles of the signed tree, read as proofs need them.
pub(super) struct Tiles<'a> {
    engine: &'a Engine,
    size: u64,
    kept: BTreeMap<(u8, u64), Vec<u8>>,
}

impl<'a> Tiles<'a> {
    /// Nothing read yet of a tree of `size` entries.
    pub(super) const fn of(engine: &'a Engine, size: u64) -> Self {
        Self {
            engine,
            size,
            kept: BTreeMap::new(),
        }
    }

    /// Fills in the plans; all tiles they need are read in one go.
    pub(super) async fn prove(
        &mut self,
        plans: &[tuesday_domain::audit::ProofPlan],
    ) -> Result<Vec<Vec<[u8; 32]>>, Problem> {
        if self.kept.len() > MOST_TILES {
            self.kept.clear();
        }
        let needed: BTreeSet<(u8, u64)> =
            plans.iter().flat_map(|p| p.nodes()).map(tile_of).collect();
        let missing: Vec<TileKey> = needed
            .into_iter()
            .filter(|k| !self.kept.contains_key(k))
            .map(|(level, index)| TileKey { level, index })
            .collect();
        for tile in self
            .engine
            .0
            .reader
            .tiles(&missing)
            .await
            .map_err(read_problem)?
        {
            self.kept
                .insert((tile.key.level, tile.key.index), tile.hashes);
        }
        // A tile may have grown since the checkpoint was signed: its beginning is what was signed.
        let read = |id: TileId| {
            let bytes = self
                .kept
                .get(&(id.level, id.index))
                .and_then(|b| b.get(..id.byte_len()));
            bytes.map(<[u8]>::to_vec).ok_or(TileGone)
        };
        let mut nodes = TileNodes::new(self.size, read);
        let resolve = |p: &tuesday_domain::audit::ProofPlan| p.resolve(&mut nodes);
        plans
            .iter()
            .map(resolve)
            .collect::<Result<_, _>>()
            .map_err(|e| damaged(&e.to_string()))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("a tile of the tree is gone")]
struct TileGone;

fn tile_of(node: NodeId) -> (u8, u64) {
    (
        node.level / 8,
        (node.index << (node.level % 8)) / TILE_WIDTH,
    )
}

fn note_commitments(run: Option<RunId>, leaf: &[u8], into: &mut Mentioned) {
    let Some(run) = run else { return };
    let value: Value = serde_json::from_slice(leaf).unwrap_or(Value::Null);
    let commits = value.get("commits").and_then(Value::as_object);
    into.extend(commits.into_iter().flatten().filter_map(|(name, said)| {
        let (kind, n) = name.split_once('/')?;
        let key = (run, kind.parse().ok()?, n.parse().ok()?);
        Some((key, said.as_str()?.parse().ok()?))
    }));
}

fn asked(q: &ExportQuery) -> Value {
    let mut asked = serde_json::Map::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            asked.insert(name.to_owned(), Value::String(value));
        }
    };
    put("run", q.run.map(|r| r.to_string()));
    put("workflow", q.workflow.clone());
    put("from", q.from.map(Timestamp::rfc3339));
    put("to", q.to.map(Timestamp::rfc3339));
    asked.insert("payloads".to_owned(), Value::Bool(!q.without_payloads));
    Value::Object(asked)
}

pub(super) fn damaged(why: &str) -> Problem {
    Problem::new("record_damaged", why)
}

fn write_problem(e: BundleWriteError) -> Problem {
    match e {
        BundleWriteError::Empty => Problem::new("not_found", "no entry matches"),
        BundleWriteError::Write(e) => {
            Problem::new("unavailable", format!("the bundle cannot be written: {e}"))
        }
        e => Problem::new("internal", e.to_string()),
    }
}
