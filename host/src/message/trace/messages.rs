//! What a trace is told of the messages themselves. It listens on the level `Full` only.

use super::Trace;
use super::full::Kept;
use super::tap::observe;
use super::times::Performer;
use crate::message::{Body, RequestHead, ResponseHead};

impl Trace {
    /// Whether messages are taken down.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.life.as_ref().is_some_and(|life| life.is_full())
    }

    /// The request's body as it comes from the client. On every level, to be counted.
    #[inline]
    pub fn came(&self, body: &mut Body) {
        self.with(|life| life.request_body(observe(body, life.body_limit(), self, false)));
    }

    /// The step has left the request like this. The body only if it is another one.
    #[inline]
    pub fn left_request(&self, head: &RequestHead, body: Option<&mut Body>) {
        self.with(|life| {
            let content = self.content(body);
            life.full(|full, _| full.saw_request(self.step as usize, head, content));
        });
    }

    /// The same of a response that was there before.
    #[inline]
    pub fn left_response(&self, head: &ResponseHead, body: Option<&mut Body>) {
        self.with(|life| {
            let content = self.content(body);
            life.full(|full, _| full.saw_response(self.step as usize, head, content, false));
        });
    }

    /// The step has made or received a response.
    #[inline]
    pub fn got_response(&self, head: &ResponseHead, body: &mut Body) {
        self.with(|life| {
            let content = self.content(Some(body));
            life.full(|full, _| full.saw_response(self.step as usize, head, content, true));
        });
    }

    /// A backend has answered; when the parts of its body come is taken down, too.
    #[inline]
    pub fn received_response(&self, head: &ResponseHead, body: &mut Body) {
        self.with(|life| {
            let content = life
                .is_full()
                .then(|| observe(body, life.body_limit(), self, true));
            life.full(|full, _| full.saw_response(self.step as usize, head, content, true));
        });
    }

    /// The host is done with the request for now. A step of its own, if it has changed anything.
    #[inline]
    pub fn host_left_request(&self, head: &RequestHead) {
        self.with(|life| {
            life.step_at_once(
                |_, full| (!full.is_request(head)).then_some(Performer::Host),
                (self.depth, false),
                |full, step| full.new_request(step, head),
            );
        });
    }

    /// The same of the response.
    #[inline]
    pub fn host_left_response(&self, head: &ResponseHead) {
        self.with(|life| {
            life.step_at_once(
                |_, full| (!full.is_response(head)).then_some(Performer::Host),
                (self.depth, false),
                |full, step| full.new_response(step, head),
            );
        });
    }

    /// The host answers in the place of the response.
    #[inline]
    pub fn host_answers(&self, head: &ResponseHead, body: &mut Body) {
        self.with(|life| {
            let content = self.content(Some(body));
            life.step_at_once(
                |_, _| Some(Performer::Host),
                (self.depth, false),
                |full, step| full.saw_response(step, head, content, true),
            );
        });
    }

    /// A plugin that surrounds, whose step this trace is for, has sent this request on.
    #[inline]
    pub fn asked(&self, head: &RequestHead, body: &mut Body) {
        self.with(|life| {
            let content = self.content(Some(body));
            let (step, depth) = (self.step as usize, self.depth.saturating_sub(1));
            let mut is_first = false;
            life.full(|full, _| is_first = full.steps.len() == step + 1);
            if is_first {
                return life.full(|full, _| full.saw_request(step, head, content));
            }
            life.step_at_once(
                |times, _| Some(times.steps.get(step)?.performer.clone()),
                (depth, true),
                |full, step| full.saw_request(step, head, content),
            );
        });
    }

    /// It has answered.
    #[inline]
    pub fn handled(&self, head: &ResponseHead, body: &mut Body) {
        self.with(|life| {
            let content = self.content(Some(body));
            life.step_at_once(
                |times, _| Some(times.steps.get(self.step as usize)?.performer.clone()),
                (self.depth, true),
                |full, step| full.saw_response(step, head, content, true),
            );
        });
    }

    fn content(&self, body: Option<&mut Body>) -> Option<Kept> {
        let (life, body) = (self.life.as_ref()?, body?);
        life.is_full()
            .then(|| observe(body, life.body_limit(), self, false))
    }
}
