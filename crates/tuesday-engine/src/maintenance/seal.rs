//! Seals the audit log about every second: gives new entries their index, extends the tree, signs a
//! checkpoint, publishes it outside the database.
//!
//! Before it signs it proves to itself that the new tree continues the one it published last. A
//! smaller or different tree is never signed.

use std::collections::BTreeMap;
use std::io::Write as _;

use tuesday_domain::audit::{
    Checkpoint, Frontier, NodeId, TILE_WIDTH, TileId, leaf_hash, new_tiles,
};
use tuesday_domain::record;
use tuesday_store::{ApplyError, SealBatch, Tile, TileKey};

use crate::engine::Engine;

/// Entries hashed per pass.
const BATCH: usize = 20_000;

pub(crate) async fn run(engine: Engine) -> Result<(), String> {
    while pass(&engine).await? {}
    Ok(())
}

/// Seals one batch; answers whether there may be more.
async fn pass(engine: &Engine) -> Result<bool, String> {
    let Some(signer) = engine.0.config.signer.clone() else {
        return Ok(false);
    };
    let (store, reader) = (&engine.0.store, &engine.0.reader);
    store
        .sequence_audit(BATCH)
        .await
        .map_err(|e| e.to_string())?;
    let last = reader
        .latest_checkpoint()
        .await
        .map_err(|e| e.to_string())?;
    let (size, bytes) = reader.frontier().await.map_err(|e| e.to_string())?;
    let mut frontier: Frontier = if size == 0 {
        Frontier::new()
    } else {
        serde_json::from_slice(&bytes).map_err(|e| e.to_string())?
    };
    let leaves = reader
        .leaves(size, BATCH)
        .await
        .map_err(|e| e.to_string())?;
    if leaves.is_empty() {
        return Ok(false);
    }
    if let Some(last) = &last
        && (last.size != frontier.size() || last.root != frontier.root())
    {
        return Err(format!(
            "the stored tree of {} entries is not the one that was signed: nothing is signed",
            frontier.size()
        ));
    }
    check_published(engine, &signer, size, &frontier)?;
    let mut tiles = open_tiles(engine, size, size + leaves.len() as u64).await?;
    for leaf in &leaves {
        frontier.append_observed(leaf_hash(leaf), |node, hash| put(&mut tiles, node, hash));
    }
    let head = Checkpoint {
        origin: signer.verifier().name().to_owned(),
        size: frontier.size(),
        root: frontier.root(),
    };
    let note = head.sign(&signer).map_err(|e| e.to_string())?.to_string();
    let batch = SealBatch {
        expect_size: last.map(|c| c.size),
        tiles: tiles
            .into_iter()
            .map(|(key, hashes)| tile(key, hashes))
            .collect(),
        frontier: serde_json::to_vec(&frontier).map_err(|e| e.to_string())?,
        checkpoint: record::Checkpoint {
            size: head.size,
            root: head.root,
            note: note.clone(),
            at: engine.now(),
        },
    };
    match store.seal(batch).await {
        Ok(()) => publish(engine, &note)?,
        // Another node sealed it; the next pass goes on from there.
        Err(ApplyError::Conflict { .. }) => return Ok(false),
        Err(e) => return Err(e.to_string()),
    }
    Ok(leaves.len() == BATCH)
}

type Tiles = BTreeMap<(u8, u64), Vec<u8>>;

/// Tiles that will change, with what they hold already.
async fn open_tiles(engine: &Engine, old: u64, new: u64) -> Result<Tiles, String> {
    let touched: Vec<TileId> = new_tiles(old, new);
    let partial: Vec<TileKey> = touched
        .iter()
        .filter(|t| TileId::at(t.level, t.index, old).is_some())
        .map(|t| TileKey {
            level: t.level,
            index: t.index,
        })
        .collect();
    let stored = engine
        .0
        .reader
        .tiles(&partial)
        .await
        .map_err(|e| e.to_string())?;
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

/// What was published outside the database must be a prefix of what is signed now: a database that
/// went back in time is noticed here and never signed over.
fn check_published(
    engine: &Engine,
    signer: &tuesday_domain::audit::NoteSigner,
    size: u64,
    frontier: &Frontier,
) -> Result<(), String> {
    let Some(path) = &engine.0.config.checkpoint_file else {
        return Ok(());
    };
    let Ok(text) = std::fs::read_to_string(path) else {
        return Ok(());
    };
    let Some(note) = text.rsplit("\n\n\n").find(|n| !n.trim().is_empty()) else {
        return Ok(());
    };
    let note = format!("{}\n", note.trim_end_matches('\n'));
    let head = Checkpoint::open(&note, signer.verifier())
        .map_err(|e| format!("the last published checkpoint cannot be read: {e}"))?;
    if head.size > size {
        return Err(format!(
            "a checkpoint of {} entries was published, the log has {size}: nothing is signed",
            head.size
        ));
    }
    if head.size == size && head.root != frontier.root() {
        return Err("the published checkpoint is of another tree: nothing is signed".to_owned());
    }
    Ok(())
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
