//! Databases for tests: SQLite in the node's own folder, PostgreSQL on the server that is named. A
//! test without its server fails: one that passed without having run would prove nothing.

use tokio_postgres::{Client, NoTls};

/// Names a server on which databases may be created.
pub const SERVER: &str = "TUESDAY_TEST_POSTGRES";

/// The server that [`SERVER`] names.
///
/// # Panics
/// Where it is not set; the message says how to get one.
#[must_use]
pub fn server() -> String {
    std::env::var(SERVER).unwrap_or_else(|_| {
        panic!(
            "missing: PostgreSQL. {SERVER} is not set, so this test cannot run. `cargo xtask test` \
             installs and starts one; for some tests: cargo xtask postgres cargo nextest run -p CRATE"
        )
    })
}

/// A PostgreSQL database of its own.
#[derive(Clone, Debug)]
pub struct Database {
    server: String,
    name: String,
}

impl Database {
    /// A new, empty database on the server that [`SERVER`] names.
    ///
    /// # Panics
    /// Where no server is named.
    pub async fn create() -> Self {
        Self::create_on(&server()).await
    }

    /// A new, empty database on `server`.
    pub async fn create_on(server: &str) -> Self {
        let name = format!("tuesday_fault_{}", uuid::Uuid::new_v4().simple());
        connect(server)
            .await
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await
            .unwrap();
        Self {
            server: server.to_owned(),
            name,
        }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        let (base, _) = self
            .server
            .rsplit_once('/')
            .expect("a server is written postgres://user@host:port/database");
        format!("{base}/{}", self.name)
    }

    /// Statements behind the product's back.
    pub async fn raw(&self, sql: &str) {
        connect(&self.url()).await.batch_execute(sql).await.unwrap();
    }

    /// Removes it.
    pub async fn drop(self) {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        connect(&self.server)
            .await
            .batch_execute(&sql)
            .await
            .unwrap();
    }
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
