//! Migrations on PostgreSQL, each in a transaction of its own under a lock on the list of them.

use deadpool_postgres::Object;

use crate::error::OpenError;
use crate::migrate::{APPLIED, Migrate, TABLE_POSTGRES, checksum, missing, refuse_if_behind};

/// A table lock instead of an advisory one: every database of this family has it, and it ends with
/// the transaction.
const LOCK: &str = "LOCK TABLE schema_migrations IN ACCESS EXCLUSIVE MODE";
const RECORD: &str = "INSERT INTO schema_migrations (number, name, checksum, applied_at) \
    VALUES ($1, $2, $3, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)";

/// Applies what is missing, or refuses.
pub(super) async fn run(client: &mut Object, mode: Migrate) -> Result<(), OpenError> {
    let there: bool = client
        .query_one("SELECT to_regclass('schema_migrations') IS NOT NULL", &[])
        .await?
        .try_get(0)?;
    let applied = if there {
        read(client).await?
    } else {
        Vec::new()
    };
    let todo = missing(&applied, |m| m.postgres)?.len();
    if todo == 0 || mode == Migrate::Refuse {
        return refuse_if_behind(&applied, todo);
    }
    // Two nodes may meet here; the loser finds the table made by the winner.
    if let Err(e) = client.batch_execute(TABLE_POSTGRES).await
        && !super::fault::is_duplicate(&e)
    {
        return Err(e.into());
    }
    loop {
        let tx = client.transaction().await?;
        tx.batch_execute(LOCK).await?;
        let rows = tx.query(APPLIED, &[]).await?;
        let Some(next) = missing(&decode(&rows)?, |m| m.postgres)?.first().copied() else {
            return Ok(tx.commit().await?);
        };
        tx.batch_execute(next.postgres).await?;
        tx.execute(
            RECORD,
            &[&next.number, &next.name, &checksum(next.postgres)],
        )
        .await?;
        tx.commit().await?;
        tracing::info!(number = next.number, name = next.name, "migration applied");
    }
}

type Applied = Vec<(i64, Vec<u8>)>;

async fn read(client: &Object) -> Result<Applied, OpenError> {
    decode(&client.query(APPLIED, &[]).await?)
}

fn decode(rows: &[tokio_postgres::Row]) -> Result<Applied, OpenError> {
    rows.iter()
        .map(|r| Ok((r.try_get(0)?, r.try_get(1)?)))
        .collect()
}
