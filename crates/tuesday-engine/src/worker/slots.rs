//! How much may run here at once: a cap for the node and a cap for each workflow, so that one slow
//! workflow never takes the room of another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tuesday_domain::id::RunId;

struct Room {
    total: u32,
    used: u32,
    by_workflow: HashMap<String, u32>,
    held: HashMap<RunId, InHand>,
    serial: u64,
    closed: bool,
}

/// One claim in hand. The serial tells it from an earlier or later claim of the same run.
struct InHand {
    fence: i64,
    serial: u64,
    task: Option<AbortHandle>,
}

/// The node's room for runs.
#[derive(Clone)]
pub(crate) struct Slots {
    room: Arc<Mutex<Room>>,
    /// Told when room appeared or when there may be something to claim.
    pub(crate) wake: Arc<Notify>,
    idle: Arc<Notify>,
}

/// One run's place; given back when dropped.
pub(crate) struct Held {
    slots: Slots,
    workflow: String,
    run: Option<(RunId, u64)>,
}

impl Slots {
    pub(crate) fn new(total: u32) -> Self {
        Self {
            room: Arc::new(Mutex::new(Room {
                total,
                used: 0,
                by_workflow: HashMap::new(),
                held: HashMap::new(),
                serial: 0,
                closed: false,
            })),
            wake: Arc::new(Notify::new()),
            idle: Arc::new(Notify::new()),
        }
    }

    fn room(&self) -> std::sync::MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for a run of this workflow, when there is one.
    pub(crate) fn take(&self, workflow: &str, cap: u32) -> Option<Held> {
        let mut room = self.room();
        if room.closed || room.used >= room.total {
            return None;
        }
        let used = room.by_workflow.entry(workflow.to_owned()).or_default();
        if *used >= cap {
            return None;
        }
        *used += 1;
        room.used += 1;
        Some(Held {
            slots: self.clone(),
            workflow: workflow.to_owned(),
            run: None,
        })
    }

    /// Free places for a workflow with this cap.
    pub(crate) fn free(&self, workflow: &str, cap: u32) -> u32 {
        let room = self.room();
        if room.closed {
            return 0;
        }
        let used = room.by_workflow.get(workflow).copied().unwrap_or(0);
        cap.saturating_sub(used)
            .min(room.total.saturating_sub(room.used))
    }

    /// The claims this node holds, for the heartbeat: run, fence, serial.
    pub(crate) fn claims(&self) -> Vec<(RunId, i64, u64)> {
        self.room()
            .held
            .iter()
            .map(|(run, h)| (*run, h.fence, h.serial))
            .collect()
    }

    /// Ends the task of a claim whose lease is lost; its outside call is cut, nothing is recorded.
    /// Answers false when that claim is not in hand any more: it had simply finished.
    pub(crate) fn abort(&self, run: RunId, serial: u64) -> bool {
        match self.room().held.get(&run) {
            Some(InHand {
                serial: s,
                task: Some(task),
                ..
            }) if *s == serial && !task.is_finished() => {
                task.abort();
                true
            }
            _ => false,
        }
    }

    /// Ends everything that is still in hand.
    pub(crate) fn abort_all(&self) {
        for task in self.room().held.values().filter_map(|h| h.task.as_ref()) {
            task.abort();
        }
    }

    /// No further places.
    pub(crate) fn close(&self) {
        self.room().closed = true;
        self.idle.notify_waiters();
    }

    /// Waits until nothing is in hand.
    pub(crate) async fn idle(&self) {
        loop {
            let told = self.idle.notified();
            if self.room().used == 0 {
                return;
            }
            told.await;
        }
    }
}

impl Held {
    /// Says which run and claim the place is for.
    pub(crate) fn begin(&mut self, run: RunId, fence: i64) {
        let mut room = self.slots.room();
        room.serial += 1;
        let serial = room.serial;
        room.held.insert(
            run,
            InHand {
                fence,
                serial,
                task: None,
            },
        );
        drop(room);
        self.run = Some((run, serial));
    }

    /// Remembers the task, so that a lost lease can end it.
    pub(crate) fn task(slots: &Slots, run: RunId, task: AbortHandle) {
        if let Some(held) = slots.room().held.get_mut(&run) {
            held.task = Some(task);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut room = self.slots.room();
        room.used = room.used.saturating_sub(1);
        if let Some(used) = room.by_workflow.get_mut(&self.workflow) {
            *used = used.saturating_sub(1);
        }
        // A later claim of the same run may be in hand already: only the own one is taken out.
        if let Some((run, serial)) = self.run
            && room.held.get(&run).is_some_and(|h| h.serial == serial)
        {
            room.held.remove(&run);
        }
        let idle = room.used == 0;
        drop(room);
        self.slots.wake.notify_one();
        if idle {
            self.slots.idle.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_workflow_never_takes_the_room_of_another() {
        let slots = Slots::new(4);
        let slow: Vec<_> = (0..9).filter_map(|_| slots.take("slow", 3)).collect();
        assert_eq!(slow.len(), 3);
        assert!(slots.take("other", 3).is_some());
        assert_eq!(slots.free("slow", 3), 0);
        drop(slow);
        assert_eq!(slots.free("slow", 3), 3);
    }
}
