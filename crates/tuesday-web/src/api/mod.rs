//! The HTTP API, version 1: one file per resource. The JSON shapes here are promises to other
//! programs and belong to this folder; the domain's types may change without them.

pub(crate) mod adoption;
pub(crate) mod alerts;
pub(crate) mod audit;
pub(crate) mod candidates;
pub(crate) mod capacity;
pub(crate) mod charter;
pub(crate) mod compensations;
pub(crate) mod costs;
pub(crate) mod decisions;
pub(crate) mod drift;
pub(crate) mod exit;
pub(crate) mod first_shift;
pub(crate) mod fixes;
pub(crate) mod follow_ups;
pub(crate) mod forecast;
pub(crate) mod friday;
pub(crate) mod handoffs;
pub(crate) mod health;
pub(crate) mod incidents;
pub(crate) mod intake;
pub(crate) mod ledger;
pub(crate) mod people;
pub(crate) mod pilot;
pub(crate) mod policies;
pub(crate) mod postmortems;
pub(crate) mod practice;
pub(crate) mod privacy;
pub(crate) mod problem_reports;
pub(crate) mod release_acts;
pub(crate) mod releases;
pub(crate) mod reroute;
pub(crate) mod reruns;
pub(crate) mod reviews;
pub(crate) mod rollout;
pub(crate) mod rules;
pub(crate) mod runs;
pub(crate) mod security;
pub(crate) mod seeds;
pub(crate) mod shadow;
pub(crate) mod sheet;
pub(crate) mod signals;
pub(crate) mod tables;
pub(crate) mod tokens;
pub(crate) mod training;
pub(crate) mod triggers;
pub(crate) mod turnover;
pub(crate) mod unmapped;
pub(crate) mod verdicts;
pub(crate) mod views;
pub(crate) mod workflows;

use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

/// What is common to all of it.
#[derive(OpenApi)]
#[openapi(
    info(title = "tuesday", version = "1", description = "Runs, reviews and their record. Errors are application/problem+json with a stable `code`. Lists are paged by `after` and `limit` (at most 200); `next` in the body is the next `after`."),
    modifiers(&Bearer),
    security(("token" = []))
)]
pub(crate) struct Description;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        openapi
            .components
            .get_or_insert_with(Default::default)
            .add_security_scheme("token", scheme);
    }
}
