//! Any model behind one POST.

use tuesday_domain::port::{FaultKind, ModelAnswer, ModelFault};

use super::envelope::{self, Bad};
use super::exchange::Exchange;
use super::fault::misconfigured;
use crate::net::HeaderMap;

/// One call.
pub(super) async fn call(exchange: &Exchange<'_>) -> Result<ModelAnswer, ModelFault> {
    let url = exchange.url("")?;
    let body = envelope::task(exchange.request).map_err(|e| misconfigured(e.to_string()))?;
    let reply = exchange.post(url, HeaderMap::new(), body).await?;
    envelope::open(&reply.body, exchange.request, reply.answer(String::new())).map_err(|bad| {
        match bad {
            Bad::Json(error) => reply.unreadable(&error),
            Bad::Envelope(words) => reply.fault(FaultKind::Permanent, "bad_envelope", &words),
        }
    })
}
