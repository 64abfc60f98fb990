//! From a guest: values out of the numbers of a call and out of memory, with every check that the canonical ABI has.

use wasmtime::{ValRaw, bail};

use super::layout::Layout;
use crate::message::GivenName;

/// A type that is read from a guest.
pub trait Lift: Layout {
    /// What it becomes; it may borrow from the guest's memory.
    type Value<'m>;

    /// Bytes that an element of a list takes in the host, for [`Reading::charge`].
    const HELD: usize = Self::SIZE;

    /// Out of the numbers of a call.
    fn lift<'m>(
        from: &mut FlatValues<'_>,
        memory: &mut Reading<'m>,
    ) -> wasmtime::Result<Self::Value<'m>>;

    /// Out of memory, where it lies aligned and within bounds: its place was checked.
    fn load<'m>(memory: &mut Reading<'m>, at: usize) -> wasmtime::Result<Self::Value<'m>>;
}

/// The numbers of a call, one after the other.
#[derive(Debug)]
pub struct FlatValues<'a>(std::slice::Iter<'a, ValRaw>);

impl<'a> FlatValues<'a> {
    pub fn new(values: &'a [ValRaw]) -> Self {
        Self(values.iter())
    }

    /// The lower half, if a wider number is passed in its place.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        self.0.next().map_or(0, ValRaw::get_u32)
    }

    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.0.next().map_or(0, ValRaw::get_u64)
    }

    /// Passes over numbers that this case of a variant has no use for.
    #[inline]
    pub fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.0.next();
        }
    }
}

/// A guest's memory while values are lifted out of it.
#[derive(Debug)]
pub struct Reading<'m> {
    bytes: &'m [u8],
    /// Bytes that the host may still hold for this call. Elements of a list may share their bytes in the guest and don't in
    /// the host, so the size of the guest's memory is no bound.
    fuel: usize,
}

impl<'m> Reading<'m> {
    pub fn new(bytes: &'m [u8], fuel: usize) -> Self {
        Self { bytes, fuel }
    }

    pub fn array<const N: usize>(&self, at: usize) -> wasmtime::Result<[u8; N]> {
        match self.bytes.get(at..).and_then(<[u8]>::first_chunk) {
            Some(bytes) => Ok(*bytes),
            None => bail!("pointer out of bounds of memory"),
        }
    }

    pub fn u8(&self, at: usize) -> wasmtime::Result<u8> {
        self.array(at).map(u8::from_le_bytes)
    }

    /// The pointer and the length of a string or a list.
    pub fn pair(&self, at: usize) -> wasmtime::Result<(usize, usize)> {
        let number = |at| {
            self.array(at)
                .map(|bytes| u32::from_le_bytes(bytes) as usize)
        };
        Ok((number(at)?, number(at + 4)?))
    }

    /// Where a value of this type lies that the guest names by a pointer; `misaligned` and `outside` say what is wrong with
    /// one that can't be.
    pub fn place<T: Layout>(
        &self,
        at: usize,
        misaligned: &'static str,
        outside: &'static str,
    ) -> wasmtime::Result<usize> {
        place::<T>(self.bytes.len(), at, misaligned, outside)
    }

    /// The bytes of a list of these elements.
    pub fn list<T: Lift>(&mut self, (at, len): (usize, usize)) -> wasmtime::Result<&'m [u8]> {
        let size = len.checked_mul(T::SIZE);
        let bytes = size.and_then(|size| self.bytes.get(at..at.checked_add(size)?));
        let Some(bytes) = bytes else {
            bail!("list pointer/length out of bounds of memory");
        };
        self.charge(len.saturating_mul(T::HELD))?;
        if !at.is_multiple_of(T::ALIGN) {
            bail!("list pointer is not aligned");
        }
        Ok(bytes)
    }

    /// A string's.
    pub fn text(&mut self, place: (usize, usize)) -> wasmtime::Result<&'m str> {
        Ok(std::str::from_utf8(self.text_bytes(place)?)?)
    }

    /// A string's that is to name a field: what is a token is UTF-8, and that is found out quicker.
    #[inline]
    pub fn name(&mut self, place: (usize, usize)) -> wasmtime::Result<GivenName<'m>> {
        Ok(GivenName::of(self.text_bytes(place)?)?)
    }

    fn text_bytes(&mut self, (at, len): (usize, usize)) -> wasmtime::Result<&'m [u8]> {
        let Some(bytes) = at.checked_add(len).and_then(|end| self.bytes.get(at..end)) else {
            bail!("string pointer/length out of bounds of memory");
        };
        self.charge(len)?;
        Ok(bytes)
    }

    fn charge(&mut self, bytes: usize) -> wasmtime::Result<()> {
        match self.fuel.checked_sub(bytes) {
            Some(left) => self.fuel = left,
            None => bail!(
                "too much data is being copied between the host and the guest: fuel allocated for hostcalls has been \
                 exhausted"
            ),
        }
        Ok(())
    }
}

/// Checks a place for a value of this type in a memory of this size.
pub fn place<T: Layout>(
    memory: usize,
    at: usize,
    misaligned: &'static str,
    outside: &'static str,
) -> wasmtime::Result<usize> {
    if !at.is_multiple_of(T::ALIGN) {
        bail!(misaligned);
    }
    if at.checked_add(T::SIZE).is_none_or(|end| end > memory) {
        bail!(outside);
    }
    Ok(at)
}
