//! Counts finished runs: by the stub's ledger while there are many, then by the instance's records.

use std::sync::OnceLock;
use std::time::Duration;

use tuesday_bench::{BenchError, Completion, CountEndpoint};
use tuesday_domain::run::Status;
use tuesday_store::{QueueFilter, StoreReader};

/// Runs whose effect is confirmed in the record. Counting those reads every run, so the stub's ledger
/// is asked first: a run is confirmed just after its effect.
pub(super) struct Written {
    ledger: CountEndpoint,
    reader: StoreReader,
    /// Finished runs that the ledger never saw, such as copied ones: counted once, before anything
    /// is sent.
    without_effect: OnceLock<u64>,
}

impl Written {
    pub(super) fn new(stub_url: &str, reader: StoreReader) -> Result<Self, BenchError> {
        Ok(Self {
            ledger: CountEndpoint::new(&format!("{stub_url}/_ledger"), "/total/applied")?,
            reader,
            without_effect: OnceLock::new(),
        })
    }
}

impl Written {
    /// Effects in the stub's ledger: cheap to ask for however many runs there are.
    pub(super) const fn effects(&self) -> &CountEndpoint {
        &self.ledger
    }
}

/// Nothing is waited for: acceptance is all that counts.
pub(super) struct AcceptedOnly;

impl Completion for AcceptedOnly {
    async fn finished(&self) -> Result<u64, BenchError> {
        Ok(0)
    }

    async fn wait(&self, _: u64, _: Duration) -> Result<(), BenchError> {
        Ok(())
    }
}

impl Completion for Written {
    async fn finished(&self) -> Result<u64, BenchError> {
        let counts = self
            .reader
            .run_counts()
            .await
            .map_err(|e| BenchError::Run(e.to_string()))?;
        let finished = counts
            .iter()
            .filter(|c| c.status == Status::Completed)
            .map(|c| c.runs)
            .sum::<u64>();
        if self.without_effect.get().is_none() {
            let effects = self.ledger.finished().await?;
            let _ = self.without_effect.set(finished.saturating_sub(effects));
        }
        Ok(finished)
    }

    async fn wait(&self, target: u64, pause: Duration) -> Result<(), BenchError> {
        // Every run that was sent has one effect.
        let unseen = self.without_effect.get().copied().unwrap_or(0);
        self.ledger
            .wait(target.saturating_sub(unseen), pause)
            .await?;
        while self.finished().await? < target {
            tokio::time::sleep(pause.max(Duration::from_millis(1))).await;
        }
        Ok(())
    }
}

/// Tasks that wait for a person.
pub(super) struct Parked(pub(super) StoreReader);

impl Completion for Parked {
    async fn finished(&self) -> Result<u64, BenchError> {
        let counts = self
            .0
            .review_counts(&QueueFilter::default())
            .await
            .map_err(|e| BenchError::Run(e.to_string()))?;
        Ok(counts
            .iter()
            .filter(|c| !c.state.is_decided())
            .map(|c| c.tasks)
            .sum())
    }

    async fn wait(&self, target: u64, _: Duration) -> Result<(), BenchError> {
        while self.finished().await? < target {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}
