//! Where the parts of a type are, in memory and among the numbers of a call.

use wasmtime::{Engine, FuncType, ValType};

/// A number of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flat {
    I32,
    I64,
    F64,
}

/// How the canonical ABI lays a type out, for memories with 32-bit addresses.
pub trait Layout {
    /// Bytes in memory.
    const SIZE: usize;
    const ALIGN: usize;
    /// How many numbers it is passed as.
    const FLAT: usize;
    /// Whether there are pointers in it, so that it can't be passed without a memory.
    const POINTS: bool;

    /// Adds the kinds of these numbers.
    fn flatten(kinds: &mut Vec<Flat>);
}

/// More parameters than these are passed in memory, and so are more results than one.
pub const MOST_PARAMS: usize = 16;
pub const MOST_RESULTS: usize = 1;

/// The type of the core function that takes and gives these. `into_host`: a result in memory has its place named by the
/// caller; otherwise the function gives it.
pub fn func_type<P: Layout, R: Layout>(engine: &Engine, into_host: bool) -> FuncType {
    let mut params = Vec::new();
    if P::FLAT > MOST_PARAMS {
        params.push(Flat::I32);
    } else {
        P::flatten(&mut params);
    }
    let mut results = Vec::new();
    match (R::FLAT > MOST_RESULTS, into_host) {
        (true, true) => params.push(Flat::I32),
        (true, false) => results.push(Flat::I32),
        (false, _) => R::flatten(&mut results),
    }
    let kinds = |kinds: Vec<Flat>| kinds.into_iter().map(kind);
    FuncType::new(engine, kinds(params), kinds(results))
}

fn kind(flat: Flat) -> ValType {
    match flat {
        Flat::I32 => ValType::I32,
        Flat::I64 => ValType::I64,
        Flat::F64 => ValType::F64,
    }
}

/// The kinds of the numbers of a variant: which case, then numbers that hold those of any case.
pub fn join(cases: &[Vec<Flat>], kinds: &mut Vec<Flat>) {
    kinds.push(Flat::I32);
    let longest = cases.iter().map(Vec::len).max().unwrap_or(0);
    for number in 0..longest {
        let mut there = cases.iter().filter_map(|case| case.get(number));
        let first = there.next().copied().unwrap_or(Flat::I32);
        let is_same = there.all(|kind| *kind == first);
        // What differs has room in an integer of 64 bits; here no two kinds have 32.
        kinds.push(if is_same { first } else { Flat::I64 });
    }
}

/// Where the parts of a record are, one after the other.
#[derive(Debug)]
pub struct Places(pub usize);

impl Places {
    /// The place of the next part.
    #[inline]
    pub fn next<T: Layout>(&mut self) -> usize {
        let at = align_up(self.0, T::ALIGN);
        self.0 = at + T::SIZE;
        at
    }
}

pub const fn align_up(at: usize, align: usize) -> usize {
    at.next_multiple_of(align)
}

/// The largest of these.
pub const fn most(list: &[usize]) -> usize {
    let mut most = 0;
    let mut at = 0;
    while at < list.len() {
        if list[at] > most {
            most = list[at];
        }
        at += 1;
    }
    most
}
