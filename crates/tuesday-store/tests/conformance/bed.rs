//! Where a test runs: the same body on SQLite, and on PostgreSQL with and without the portable flag,
//! on the server that `TUESDAY_TEST_POSTGRES` names. Without that server each test fails after its
//! part on SQLite: a conformance that was not looked at is none.

use std::future::Future;

use tokio_postgres::NoTls;
use tuesday_store::{Config, Store, StoreReader};

pub(crate) const SERVER: &str = "TUESDAY_TEST_POSTGRES";

/// A fresh, empty database.
pub(crate) struct Bed {
    pub(crate) name: &'static str,
    pub(crate) store: Store,
    pub(crate) read: StoreReader,
    pub(crate) config: Config,
}

impl Bed {
    pub(crate) fn is_sqlite(&self) -> bool {
        self.name == "sqlite"
    }

    /// Raw SQL behind the store's back, in the words of the server on failure.
    pub(crate) async fn raw(&self, sql: &str) -> Result<(), String> {
        match &self.config.target {
            tuesday_store::Target::Sqlite(path) => {
                let conn = rusqlite::Connection::open(path).unwrap();
                conn.busy_timeout(std::time::Duration::from_secs(5))
                    .unwrap();
                conn.execute_batch(sql).map_err(|e| e.to_string())
            }
            tuesday_store::Target::Postgres(url) => {
                let client = connect(url).await;
                client
                    .batch_execute(sql)
                    .await
                    .map_err(|e| match e.as_db_error() {
                        Some(db) => db.message().to_owned(),
                        None => e.to_string(),
                    })
            }
        }
    }

    /// A session of its own on PostgreSQL.
    pub(crate) async fn session(&self) -> tokio_postgres::Client {
        match &self.config.target {
            tuesday_store::Target::Postgres(url) => connect(url).await,
            tuesday_store::Target::Sqlite(_) => panic!("SQLite has no sessions"),
        }
    }

    /// The first column of the first row.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        match &self.config.target {
            tuesday_store::Target::Sqlite(path) => rusqlite::Connection::open(path)
                .unwrap()
                .query_row(sql, [], |r| r.get(0))
                .unwrap(),
            tuesday_store::Target::Postgres(url) => {
                connect(url).await.query_one(sql, &[]).await.unwrap().get(0)
            }
        }
    }
}

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

pub(crate) async fn sqlite() -> (Bed, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::sqlite(dir.path().join("tuesday.db"));
    let store = Store::open(&config).await.unwrap();
    (
        Bed {
            name: "sqlite",
            read: store.reader(),
            store,
            config,
        },
        dir,
    )
}

async fn postgres(server: &str, portable: bool) -> (Bed, String) {
    let database = format!("tuesday_test_{}", uuid::Uuid::new_v4().simple());
    connect(server)
        .await
        .batch_execute(&format!("CREATE DATABASE {database}"))
        .await
        .unwrap();
    let (base, _) = server
        .rsplit_once('/')
        .expect("a server is written postgres://user@host:port/database");
    let mut config = Config::postgres(format!("{base}/{database}"));
    config.portable = portable;
    let store = Store::open(&config).await.unwrap();
    let name = if portable {
        "postgres portable"
    } else {
        "postgres"
    };
    (
        Bed {
            name,
            read: store.reader(),
            store,
            config,
        },
        database,
    )
}

fn server() -> String {
    std::env::var(SERVER).unwrap_or_else(|_| {
        panic!(
            "missing: PostgreSQL. {SERVER} is not set, so only the part on SQLite was run; \
             cargo xtask postgres cargo nextest run -p tuesday-store starts one"
        )
    })
}

/// Runs `test` on every back end.
pub(crate) async fn each<F: Future<Output = ()>>(test: impl Fn(Bed) -> F) {
    let (bed, _dir) = sqlite().await;
    test(bed).await;
    let server = server();
    for portable in [false, true] {
        let (bed, database) = postgres(&server, portable).await;
        test(bed).await;
        let drop = format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)");
        connect(&server).await.batch_execute(&drop).await.unwrap();
    }
}
