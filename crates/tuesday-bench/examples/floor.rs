//! Prints the floor of this machine: `cargo run --release -p tuesday-bench --example floor -- [postgres-url]`.
#![expect(clippy::print_stdout, reason = "printing is all it does")]

use std::error::Error;
use std::future::pending;
use std::time::Duration;

use tokio::net::TcpListener;
use tuesday_bench::{BenchReport, Compared, FloorOptions, floor_postgres, floor_sqlite, machine};
use tuesday_stub::World;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir_in(".")?;
    let world = World::lean();
    let at = stub(world.clone())?;
    let machine = machine(dir.path(), Duration::from_secs(1))?;
    let write_url = format!("http://{at}/desk/results");
    let model_url = format!("http://{at}/v1/chat/completions");
    let mut options = FloorOptions::new(&model_url, &write_url, dir.path().to_owned());
    let mut compared = vec![Compared {
        floor: floor_sqlite(options.clone()).await?,
        subject: None,
    }];
    if let Some(url) = std::env::args().nth(1) {
        world.expire_keys("desk");
        options.workers = 32;
        compared.push(Compared {
            floor: floor_postgres(&url, options).await?,
            subject: None,
        });
    }
    print!("{}", BenchReport { machine, compared }.text());
    Ok(())
}

/// Serves the stub world from a thread of its own, as another process would.
fn stub(world: World) -> Result<std::net::SocketAddr, Box<dyn Error>> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let at = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener)?;
            tuesday_stub::serve(listener, world, pending()).await
        })
    });
    Ok(at)
}
