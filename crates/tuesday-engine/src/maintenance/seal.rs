//! Seals the audit log about every second: gives new entries their index, extends the tree, signs a
//! checkpoint, publishes it outside the database.
//!
//! Before it signs it proves to itself that the new tree continues the one it published last. A
//! smaller or different tree is never signed, and whoever answers for the instance is told. Several
//! processes seal side by side (nodes, commands): what was published is read before what is stored,
//! and a stored tree with its head in one read, so that a seal in between looks like no fault.

use std::collections::BTreeMap;
use std::io::Write as _;

use tuesday_domain::audit::{
    Checkpoint, Frontier, NodeId, NoteSigner, TILE_WIDTH, TileId, leaf_hash, new_tiles,
};
use tuesday_domain::record;
use tuesday_store::{ApplyError, AuditHead, ReadError, SealBatch, Tile, TileKey};

use crate::engine::Engine;
use crate::ops::published_notes;

/// Entries hashed per pass.
const BATCH: usize = 20_000;

/// Why nothing was sealed.
enum NotSealed {
    /// The next pass may do it.
    Later(String),
    /// The log is not the one that was signed.
    Broken(String),
}

impl From<ReadError> for NotSealed {
    fn from(e: ReadError) -> Self {
        Self::Later(e.to_string())
    }
}

pub(crate) async fn run(engine: Engine) -> Result<(), String> {
    loop {
        match pass(&engine).await {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(NotSealed::Later(why)) => return Err(why),
            Err(NotSealed::Broken(why)) => {
                engine.log_broken(&why).await;
                return Err(why);
            }
        }
    }
}

/// Seals one batch; answers whether there may be more.
async fn pass(engine: &Engine) -> Result<bool, NotSealed> {
    let Some(signer) = engine.0.config.signer.clone() else {
        return Ok(false);
    };
    let (store, reader) = (&engine.0.store, &engine.0.reader);
    let later = |e: ApplyError| NotSealed::Later(e.to_string());
    store.sequence_audit(BATCH).await.map_err(later)?;
    let published = published(engine, &signer)?;
    let head = reader.audit_head().await?;
    let mut frontier = frontier(&head)?;
    let leaves = reader.leaves(head.size, BATCH).await?;
    if leaves.is_empty() {
        return Ok(false);
    }
    if let Some(published) = published {
        check_published(engine, &published, &head, &frontier).await?;
    }
    let mut tiles = open_tiles(engine, head.size, head.size + leaves.len() as u64).await?;
    for leaf in &leaves {
        frontier.append_observed(leaf_hash(leaf), |node, hash| put(&mut tiles, node, hash));
    }
    let new = Checkpoint {
        origin: signer.verifier().name().to_owned(),
        size: frontier.size(),
        root: frontier.root(),
    };
    let note = new.sign(&signer).map_err(|e| unreadable(&e))?.to_string();
    let batch = SealBatch {
        expect_size: head.newest.map(|c| c.size),
        tiles: tiles
            .into_iter()
            .map(|(key, hashes)| tile(key, hashes))
            .collect(),
        frontier: serde_json::to_vec(&frontier).map_err(|e| unreadable(&e))?,
        checkpoint: record::Checkpoint {
            size: new.size,
            root: new.root,
            note: note.clone(),
            at: engine.now(),
        },
    };
    match store.seal(batch).await {
        Ok(()) => publish(engine, &note).map_err(NotSealed::Later)?,
        // Another process sealed it meanwhile: what it left goes into the next batch.
        Err(ApplyError::Conflict { .. }) => return Ok(true),
        Err(e) => return Err(later(e)),
    }
    Ok(leaves.len() == BATCH)
}

fn unreadable(e: &dyn std::fmt::Display) -> NotSealed {
    NotSealed::Later(e.to_string())
}

/// The stored tree, which must be the one that the newest head was signed over.
fn frontier(head: &AuditHead) -> Result<Frontier, NotSealed> {
    let frontier: Frontier = if head.size == 0 {
        Frontier::new()
    } else {
        serde_json::from_slice(&head.frontier).map_err(|e| unreadable(&e))?
    };
    let signed = head.newest.as_ref().map(|c| (c.size, c.root));
    if signed.is_some_and(|s| s != (frontier.size(), frontier.root())) {
        return Err(NotSealed::Broken(format!(
            "the stored tree of {} entries is not the one that was signed: nothing is signed",
            frontier.size()
        )));
    }
    Ok(frontier)
}

type Tiles = BTreeMap<(u8, u64), Vec<u8>>;

/// Tiles that will change, with what they hold already.
async fn open_tiles(engine: &Engine, old: u64, new: u64) -> Result<Tiles, ReadError> {
    let touched: Vec<TileId> = new_tiles(old, new);
    let partial: Vec<TileKey> = touched
        .iter()
        .filter(|t| TileId::at(t.level, t.index, old).is_some())
        .map(|t| TileKey {
            level: t.level,
            index: t.index,
        })
        .collect();
    let stored = engine.0.reader.tiles(&partial).await?;
    let mut tiles = Tiles::new();
    for t in touched {
        tiles.insert((t.level, t.index), Vec::new());
    }
    for t in stored {
        // A wider copy than the sealed tree knows would come from a seal that was not recorded.
        let width = TileId::at(t.key.level, t.key.index, old).map_or(0, |t| usize::from(t.width));
        tiles.insert(
            (t.key.level, t.key.index),
            t.hashes.into_iter().take(width * 32).collect(),
        );
    }
    Ok(tiles)
}

/// A node whose height is a multiple of eight is an entry of a tile.
fn put(tiles: &mut Tiles, node: NodeId, hash: &[u8; 32]) {
    if node.level.is_multiple_of(8) {
        tiles
            .entry((node.level / 8, node.index / TILE_WIDTH))
            .or_default()
            .extend_from_slice(hash);
    }
}

fn tile((level, index): (u8, u64), hashes: Vec<u8>) -> Tile {
    Tile {
        key: TileKey { level, index },
        width: u16::try_from(hashes.len() / 32).unwrap_or(u16::MAX),
        hashes,
    }
}

/// The last checkpoint that was published outside the database, when there is one.
fn published(engine: &Engine, signer: &NoteSigner) -> Result<Option<Checkpoint>, NotSealed> {
    let Some(path) = &engine.0.config.checkpoint_file else {
        return Ok(None);
    };
    let Some(note) = published_notes(path).map_err(|e| unreadable(&e))?.pop() else {
        return Ok(None);
    };
    let head = Checkpoint::open(&note, signer.verifier()).map_err(|e| {
        NotSealed::Broken(format!("the last published checkpoint cannot be read: {e}"))
    })?;
    Ok(Some(head))
}

/// What was published must be a prefix of what is signed now: a database that went back in time is
/// noticed here and never signed over.
async fn check_published(
    engine: &Engine,
    published: &Checkpoint,
    head: &AuditHead,
    frontier: &Frontier,
) -> Result<(), NotSealed> {
    if published.size > head.size {
        return Err(NotSealed::Broken(format!(
            "a checkpoint of {} entries was published, the log has {}: nothing is signed",
            published.size, head.size
        )));
    }
    // Two processes may publish in another order than they sealed in.
    let stored = if published.size == head.size {
        Some(frontier.root())
    } else {
        let stored = engine.0.reader.checkpoint_of(published.size).await?;
        stored.map(|c| c.root)
    };
    if stored == Some(published.root) {
        return Ok(());
    }
    let words = "the published checkpoint is of another tree: nothing is signed";
    Err(NotSealed::Broken(words.to_owned()))
}

/// Notes are kept one after another, two empty lines apart.
fn publish(engine: &Engine, note: &str) -> Result<(), String> {
    let Some(path) = &engine.0.config.checkpoint_file else {
        return Ok(());
    };
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|e| e.to_string())?;
    file.write_all(format!("{note}\n\n").as_bytes())
        .and_then(|()| file.sync_data())
        .map_err(|e| e.to_string())
}
