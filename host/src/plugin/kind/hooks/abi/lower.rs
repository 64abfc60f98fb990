//! Into a guest: values as the numbers of a call and into memory that the guest's own `cabi_realloc` gives.

use wasmtime::{AsContext, AsContextMut, Memory, StoreContextMut, Trap, ValRaw, bail};

use super::layout::Layout;
use crate::plugin::host::HooksState;

/// A type that is written to a guest. `Send`, because the guest's `cabi_realloc` may give way while one is written; see
/// `GuestFunction::call`.
pub trait Lower: Layout + Send {
    /// As numbers of a call.
    fn lower(&self, guest: &mut Writing<'_>, into: &mut FlatSlots<'_>) -> wasmtime::Result<()>;

    /// Into memory, at a place that was checked.
    fn store(&self, guest: &mut Writing<'_>, at: usize) -> wasmtime::Result<()>;

    /// The elements of a list, side by side.
    fn store_all(items: &[Self], guest: &mut Writing<'_>, at: usize) -> wasmtime::Result<()>
    where
        Self: Sized,
    {
        let mut places = (at..).step_by(Self::SIZE.max(1));
        for (item, at) in items.iter().zip(&mut places) {
            item.store(guest, at)?;
        }
        Ok(())
    }
}

/// Places for the numbers of a call, one after the other.
#[derive(Debug)]
pub struct FlatSlots<'a>(std::slice::IterMut<'a, ValRaw>);

impl<'a> FlatSlots<'a> {
    pub fn new(slots: &'a mut [ValRaw]) -> Self {
        Self(slots.iter_mut())
    }

    /// Fills a wider place, too: its upper half is 0.
    #[inline]
    pub fn put_u32(&mut self, value: u32) {
        self.put_u64(value.into());
    }

    #[inline]
    pub fn put_u64(&mut self, value: u64) {
        if let Some(slot) = self.0.next() {
            *slot = ValRaw::u64(value);
        }
    }

    /// Fills places that this case of a variant has no use for.
    #[inline]
    pub fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.put_u64(0);
        }
    }
}

/// A guest while values are written to it.
pub struct Writing<'a> {
    store: StoreContextMut<'a, HooksState>,
    memory: Option<Memory>,
}

impl std::fmt::Debug for Writing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writing").finish_non_exhaustive()
    }
}

impl<'a> Writing<'a> {
    pub fn new(store: StoreContextMut<'a, HooksState>) -> Self {
        let memory = store.data().core.memory;
        Self { store, memory }
    }

    /// Bytes of memory that the guest has now.
    pub fn size(&self) -> usize {
        self.memory
            .map_or(0, |memory| memory.data_size(self.store.as_context()))
    }

    #[inline]
    pub fn put(&mut self, at: usize, bytes: &[u8]) -> wasmtime::Result<()> {
        let memory = self.memory.ok_or(Trap::MemoryOutOfBounds)?;
        let data = memory.data_mut(self.store.as_context_mut());
        match at
            .checked_add(bytes.len())
            .and_then(|end| data.get_mut(at..end))
        {
            Some(place) => place.copy_from_slice(bytes),
            None => bail!("pointer out of bounds"),
        }
        Ok(())
    }

    /// A pointer and a length.
    #[inline]
    pub fn put_pair(&mut self, at: usize, pair: (u32, u32)) -> wasmtime::Result<()> {
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&pair.0.to_le_bytes());
        bytes[4..].copy_from_slice(&pair.1.to_le_bytes());
        self.put(at, &bytes)
    }

    /// Bytes in memory of their own, with no alignment.
    pub fn put_bytes(&mut self, bytes: &[u8]) -> wasmtime::Result<(u32, u32)> {
        let len = bytes.len();
        let at = self.allocate(1, len)?;
        self.put(at, bytes)?;
        Ok((u32::try_from(at)?, u32::try_from(len)?))
    }

    /// A list in memory of its own.
    pub fn put_list<T: Lower>(&mut self, items: &[T]) -> wasmtime::Result<(u32, u32)> {
        let Some(size) = items.len().checked_mul(T::SIZE) else {
            bail!("size overflow copying a list");
        };
        let at = self.allocate(T::ALIGN, size)?;
        T::store_all(items, self, at)?;
        Ok((u32::try_from(at)?, u32::try_from(items.len())?))
    }

    /// Lets the guest make room. Meanwhile it may not call the host.
    pub fn allocate(&mut self, align: usize, size: usize) -> wasmtime::Result<usize> {
        let core = &mut self.store.data_mut().core;
        let Some(realloc) = core.realloc else {
            bail!("a guest without `cabi_realloc` can't get this");
        };
        let may_leave = std::mem::replace(&mut core.may_leave, false);
        let align = u32::try_from(align)?;
        let mut numbers = [
            ValRaw::u32(0),
            ValRaw::u32(0),
            ValRaw::u32(align),
            ValRaw::u32(u32::try_from(size)?),
        ];
        realloc.call(self.store.as_context_mut(), &mut numbers)?;
        self.store.data_mut().core.may_leave = may_leave;
        let at = numbers[0].get_u32();
        if !at.is_multiple_of(align) {
            bail!("realloc return: result not aligned");
        }
        let at = at as usize;
        if at.checked_add(size).is_none_or(|end| end > self.size()) {
            bail!("realloc return: beyond end of memory");
        }
        Ok(at)
    }
}
