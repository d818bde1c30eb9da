//! How much hangs on each vendor, and what the calls would cost at another volume, on the ledger's page.

use tuesday_domain::ledger::exposure::PricedVolume;
use tuesday_domain::ledger::shown::Unit;
use tuesday_engine::ops::{CostReport, Forecast};

use super::shown::{cash, sums, text};
use super::words::count;

/// A vendor's part.
pub(super) struct VendorRow {
    pub(super) vendor: String,
    pub(super) share: String,
    pub(super) amount: String,
    /// Volume that has no price.
    pub(super) alarm: String,
}

/// The calls of one model at that volume.
pub(super) struct ModelRow {
    pub(super) model: String,
    pub(super) vendor: String,
    pub(super) calls: String,
    pub(super) tokens: String,
    pub(super) price: String,
    pub(super) cost: String,
    pub(super) lacks: bool,
}

/// The card.
pub(super) struct ExposureCard {
    pub(super) about: String,
    pub(super) spend: Vec<VendorRow>,
    pub(super) volume: Vec<VendorRow>,
    pub(super) times: String,
    pub(super) table: String,
    pub(super) models: Vec<ModelRow>,
    /// Name and sum.
    pub(super) sums: Vec<(&'static str, String)>,
    pub(super) lacks: Vec<String>,
}

fn share(ppm: i64) -> String {
    text(ppm, Unit::Share, None)
}

fn model(m: &PricedVolume) -> ModelRow {
    let lacks = m.micros.is_none() && !m.built_in;
    ModelRow {
        model: m.model.clone(),
        vendor: m.vendor.clone(),
        calls: count(m.calls),
        tokens: format!(
            "{} in, {} out",
            count(m.input_tokens),
            count(m.output_tokens)
        ),
        price: match m.price_version {
            Some(0) => "of the package".to_owned(),
            Some(n) => format!("table, version {n}"),
            None if m.built_in => "built in".to_owned(),
            None => "none".to_owned(),
        },
        cost: match (m.micros, &m.currency) {
            (Some(n), Some(c)) => cash(n, c),
            _ if lacks => "no price".to_owned(),
            _ => "–".to_owned(),
        },
        lacks,
    }
}

/// The card of a workflow.
pub(super) fn card(report: &CostReport, f: &Forecast, times: &str) -> ExposureCard {
    let spend = report.vendors.iter().map(|v| VendorRow {
        vendor: v.vendor.clone(),
        share: share(v.share_ppm),
        amount: cash(v.micros, &v.currency),
        alarm: String::new(),
    });
    let volume = report.volume.iter().map(|v| VendorRow {
        vendor: v.vendor.clone(),
        share: share(v.share_ppm),
        amount: format!("{} calls", count(v.calls)),
        alarm: match v.unpriced {
            0 => String::new(),
            n => format!("no price for {} of them", count(n)),
        },
    });
    let each = f.per_task.as_ref().map_or_else(|| "–".to_owned(), sums);
    ExposureCard {
        about: format!("{} to {}", report.days.from, report.days.to),
        spend: spend.collect(),
        volume: volume.collect(),
        times: times.to_owned(),
        table: f.table.clone(),
        models: f.models.iter().map(model).collect(),
        sums: vec![
            ("Grows with the volume", sums(&f.grows)),
            ("Stays", sums(&f.stays)),
            ("Total", sums(&f.total)),
            ("A resolved task", each),
        ],
        lacks: f.lacks.clone(),
    }
}
