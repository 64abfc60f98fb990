//! Addresses that can't be had together: two of the proxy's own, and backends that are the proxy itself.

use std::net::SocketAddr;

use super::destinations::Destinations;
use super::layers::{Layers, PlacedAddress};
use super::listeners::all_addresses;
use crate::config::listener::{covers, is_same};
use crate::config::url::{is_loop, reaches};
use crate::config::{DEFAULT_LISTEN, Place};

impl Layers<'_> {
    /// Refuses listeners in one another's place, backends that are the proxy itself, and an admin listener that clients reach.
    pub(super) fn check_addresses(
        &self,
        listen: Option<&[PlacedAddress]>,
        admin: Option<&PlacedAddress>,
        destinations: &Destinations,
    ) {
        let unread = !self.mistakes.is_empty();
        let given = all_addresses(listen, &destinations.listeners);
        self.check_clashes(&given);
        let addresses = match &given[..] {
            // What is absent may have been given in a way that nobody could read.
            [] if unread => return,
            [] => vec![DEFAULT_LISTEN],
            given => given.iter().map(|(address, _)| *address).collect(),
        };
        for (url, place) in &destinations.addresses {
            if let Some(address) = addresses.iter().find(|address| is_loop(**address, url)) {
                self.refuse_loop(place, *address, url);
            }
        }
        let echo = destinations.echo;
        for (at, address) in addresses.iter().enumerate() {
            let own_place = given.get(at).map(|(_, place)| place);
            if let Some(echo) = echo
                && reaches(*address, echo)
                && let Some(place) =
                    (destinations.echo_place.as_ref()).or(own_place.filter(|_| !unread))
            {
                self.refuse_loop(place, *address, &format_args!("echo://{echo}"));
            }
        }
        let Some((admin, place)) = admin else { return };
        for (url, place) in &destinations.addresses {
            if is_loop(*admin, url) {
                let problem = format!(
                    "the admin listener is on {admin}, and clients would reach it by this backend; expected another backend"
                );
                self.mistakes.add(place.clone(), problem);
            }
        }
        let taken = addresses.iter().copied().chain(echo);
        if taken
            .into_iter()
            .any(|address| reaches(address, *admin) || covers(*admin, address))
        {
            let problem =
                "something else of the proxy listens there; expected an address of its own";
            self.mistakes.add(place.clone(), problem);
        }
    }

    fn refuse_loop(&self, place: &Place, address: SocketAddr, backend: &dyn std::fmt::Display) {
        let problem = format!(
            "the proxy listens on {address} and its backend is {backend}, so requests would come back; \
             expected another backend or another listen address"
        );
        self.mistakes.add(place.clone(), problem);
    }

    /// The system lets one process have an address once, and not beside one that takes its connections too.
    fn check_clashes(&self, given: &[PlacedAddress]) {
        for (at, (address, place)) in given.iter().enumerate() {
            let problem = given[..at].iter().find_map(|(other, first)| {
                let first = where_given(first);
                if address.port() != 0 && is_same(*address, *other) {
                    return Some(format!("{first} has this address too; expected it once"));
                }
                let (wide, narrow) = match (covers(*other, *address), covers(*address, *other)) {
                    (true, _) => (other, address),
                    (_, true) => (address, other),
                    _ => return None,
                };
                Some(format!(
                    "{wide} takes the connections to {narrow} too ({first}); expected one of the two alone"
                ))
            });
            if let Some(problem) = problem {
                self.mistakes.add(place.clone(), problem);
            }
        }
    }
}

/// Where something else was given, within a message.
fn where_given(place: &Place) -> String {
    match (place, place.line()) {
        (_, Some(line)) => format!("line {line}"),
        (Place::Env { name, .. }, _) => name.clone(),
        _ => "--listen".to_owned(),
    }
}
