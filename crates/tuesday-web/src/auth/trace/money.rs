//! The audit entries that the addresses of money and time leave; read by `trace.rs`.

use super::Trace;

pub(super) const TRACES: &[Trace] = &[
    (
        "POST",
        "/api/v1/workflows/{workflow}/capacity",
        &["capacity.set"],
        "",
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/capacity/ease",
        &["capacity.eased"],
        "",
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/capacity/what-if",
        super::NOTHING,
        "a question; nothing is changed",
    ),
    (
        "POST",
        "/workflows/{workflow}/capacity",
        &["capacity.set"],
        "",
    ),
    (
        "POST",
        "/workflows/{workflow}/capacity/ease",
        &["capacity.eased"],
        "",
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/drift/baseline",
        &["drift.baseline"],
        "",
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/drift/findings/{number}/closing",
        &["drift.closed"],
        "",
    ),
    (
        "POST",
        "/workflows/{workflow}/drift",
        &["drift.baseline"],
        "",
    ),
    (
        "POST",
        "/workflows/{workflow}/drift/findings/{number}/closing",
        &["drift.closed"],
        "",
    ),
    ("POST", "/api/v1/costs", &["cost.entered"], ""),
    (
        "POST",
        "/api/v1/costs/{id}/reversal",
        &["cost.reversed"],
        "",
    ),
    ("POST", "/api/v1/prices", &["prices.set"], ""),
    (
        "POST",
        "/api/v1/workflows/{workflow}/baseline",
        &["baseline.captured"],
        "",
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/spend-limit",
        &["spend.limit_set"],
        "",
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/weekly",
        &["week.signed"],
        "",
    ),
    ("POST", "/workflows/{workflow}/costs", &["cost.entered"], ""),
    (
        "POST",
        "/workflows/{workflow}/costs/{id}/reversal",
        &["cost.reversed"],
        "",
    ),
    (
        "POST",
        "/workflows/{workflow}/baseline",
        &["baseline.captured"],
        "",
    ),
    (
        "POST",
        "/workflows/{workflow}/spend-limit",
        &["spend.limit_set"],
        "",
    ),
    ("POST", "/workflows/{workflow}/weekly", &["week.signed"], ""),
];
