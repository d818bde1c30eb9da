//! Answer bodies that end as ordered: whole, cut, in pieces, or not at all.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::http::End;

/// Time for the first half to leave the machine before the connection is closed.
const FLUSH: Duration = Duration::from_millis(2);

/// The connection is to be closed without (the rest of) an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer is lost by order of a script")]
pub(crate) struct Lost;

/// A body that is sent as its [`End`] says.
#[derive(Debug)]
pub(crate) enum StubBody {
    Whole(Option<Bytes>),
    Half {
        first: Option<Bytes>,
        pause: Option<Pin<Box<Sleep>>>,
    },
    Drip {
        rest: Bytes,
        bytes: usize,
        every: Duration,
        pause: Option<Pin<Box<Sleep>>>,
    },
    Lost,
}

impl StubBody {
    pub(crate) fn new(body: Bytes, end: End) -> Self {
        match end {
            End::Whole => Self::Whole(Some(body).filter(|b| !b.is_empty())),
            End::Half => Self::Half {
                first: Some(body.slice(..body.len() / 2)),
                pause: None,
            },
            End::Drip { bytes, every } => Self::Drip {
                rest: body,
                bytes,
                every,
                pause: None,
            },
        }
    }
}

impl Body for StubBody {
    type Data = Bytes;
    type Error = Lost;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Lost>>> {
        match self.get_mut() {
            Self::Whole(body) => Poll::Ready(body.take().map(|b| Ok(Frame::data(b)))),
            Self::Lost => Poll::Ready(Some(Err(Lost))),
            Self::Half { first, pause } => match first.take().filter(|b| !b.is_empty()) {
                Some(half) => Poll::Ready(Some(Ok(Frame::data(half)))),
                None => waited(pause, FLUSH, cx).map(|()| Some(Err(Lost))),
            },
            Self::Drip {
                rest,
                bytes,
                every,
                pause,
            } => {
                if rest.is_empty() {
                    return Poll::Ready(None);
                }
                if waited(pause, *every, cx).is_pending() {
                    return Poll::Pending;
                }
                *pause = None;
                let piece = rest.split_to((*bytes).min(rest.len()));
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => SizeHint::with_exact(body.as_ref().map_or(0, |b| b.len() as u64)),
            Self::Half { .. } | Self::Drip { .. } | Self::Lost => SizeHint::default(),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }
}

fn waited(pause: &mut Option<Pin<Box<Sleep>>>, time: Duration, cx: &mut Context<'_>) -> Poll<()> {
    pause
        .get_or_insert_with(|| Box::pin(sleep(time)))
        .as_mut()
        .poll(cx)
}
