//! The types that WIT makes of others: tuples, options and results.

use wasmtime::bail;

use super::layout::{Flat, Layout, Places, align_up, join, most};
use super::lift::{FlatValues, Lift, Reading};
use super::lower::{FlatSlots, Lower, Writing};
use super::made::record_layout;

impl Layout for () {
    record_layout!();
}

impl Lift for () {
    type Value<'m> = ();

    fn lift<'m>(_: &mut FlatValues<'_>, _: &mut Reading<'m>) -> wasmtime::Result<()> {
        Ok(())
    }

    fn load<'m>(_: &mut Reading<'m>, _: usize) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl Lower for () {
    fn lower(&self, _: &mut Writing<'_>, _: &mut FlatSlots<'_>) -> wasmtime::Result<()> {
        Ok(())
    }

    fn store(&self, _: &mut Writing<'_>, _: usize) -> wasmtime::Result<()> {
        Ok(())
    }
}

macro_rules! tuple {
    ($($type:ident $number:tt),*) => {
        impl<$($type: Layout),*> Layout for ($($type,)*) {
            record_layout!($($type),*);
        }

        impl<$($type: Lift),*> Lift for ($($type,)*) {
            type Value<'m> = ($($type::Value<'m>,)*);
            const HELD: usize = 0 $(+ $type::HELD)*;

            #[inline]
            fn lift<'m>(
                from: &mut FlatValues<'_>,
                memory: &mut Reading<'m>,
            ) -> wasmtime::Result<Self::Value<'m>> {
                Ok(($($type::lift(from, memory)?,)*))
            }

            fn load<'m>(memory: &mut Reading<'m>, at: usize) -> wasmtime::Result<Self::Value<'m>> {
                let mut places = Places(at);
                Ok(($($type::load(memory, places.next::<$type>())?,)*))
            }
        }

        impl<$($type: Lower),*> Lower for ($($type,)*) {
            fn lower(
                &self,
                guest: &mut Writing<'_>,
                into: &mut FlatSlots<'_>,
            ) -> wasmtime::Result<()> {
                $(self.$number.lower(guest, into)?;)*
                Ok(())
            }

            fn store(&self, guest: &mut Writing<'_>, at: usize) -> wasmtime::Result<()> {
                let mut places = Places(at);
                $(self.$number.store(guest, places.next::<$type>())?;)*
                Ok(())
            }
        }
    };
}

tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);

/// Where the payload of a variant with two cases is, behind the byte that tells the case.
const fn payload<A: Layout, B: Layout>() -> usize {
    align_up(1, most(&[1, A::ALIGN, B::ALIGN]))
}

macro_rules! two_cases_layout {
    ($zero:ty, $one:ty) => {
        const SIZE: usize = align_up(
            payload::<$zero, $one>() + most(&[<$zero>::SIZE, <$one>::SIZE]),
            Self::ALIGN,
        );
        const ALIGN: usize = most(&[1, <$zero>::ALIGN, <$one>::ALIGN]);
        const FLAT: usize = 1 + most(&[<$zero>::FLAT, <$one>::FLAT]);
        const POINTS: bool = <$zero>::POINTS || <$one>::POINTS;

        fn flatten(kinds: &mut Vec<Flat>) {
            let mut cases = [Vec::new(), Vec::new()];
            <$zero>::flatten(&mut cases[0]);
            <$one>::flatten(&mut cases[1]);
            join(&cases, kinds);
        }
    };
}

/// Lifts a payload from the numbers of a variant, whose longest case has so many.
#[inline]
fn lift_case<'m, T: Lift>(
    from: &mut FlatValues<'_>,
    memory: &mut Reading<'m>,
    longest: usize,
) -> wasmtime::Result<T::Value<'m>> {
    let value = T::lift(from, memory)?;
    from.skip(longest - T::FLAT);
    Ok(value)
}

#[inline]
fn lower_case<T: Lower>(
    number: u32,
    value: &T,
    guest: &mut Writing<'_>,
    into: &mut FlatSlots<'_>,
    longest: usize,
) -> wasmtime::Result<()> {
    into.put_u32(number);
    value.lower(guest, into)?;
    into.skip(longest - T::FLAT);
    Ok(())
}

impl<T: Layout> Layout for Option<T> {
    two_cases_layout!((), T);
}

impl<T: Lift> Lift for Option<T> {
    type Value<'m> = Option<T::Value<'m>>;

    fn lift<'m>(
        from: &mut FlatValues<'_>,
        memory: &mut Reading<'m>,
    ) -> wasmtime::Result<Self::Value<'m>> {
        match from.next_u32() {
            0 => lift_case::<()>(from, memory, T::FLAT).map(|()| None),
            1 => T::lift(from, memory).map(Some),
            _ => bail!("invalid option discriminant"),
        }
    }

    fn load<'m>(memory: &mut Reading<'m>, at: usize) -> wasmtime::Result<Self::Value<'m>> {
        match memory.u8(at)? {
            0 => Ok(None),
            1 => T::load(memory, at + payload::<(), T>()).map(Some),
            _ => bail!("invalid option discriminant"),
        }
    }
}

impl<T: Lower> Lower for Option<T> {
    fn lower(&self, guest: &mut Writing<'_>, into: &mut FlatSlots<'_>) -> wasmtime::Result<()> {
        match self {
            None => lower_case(0, &(), guest, into, T::FLAT),
            Some(value) => lower_case(1, value, guest, into, T::FLAT),
        }
    }

    fn store(&self, guest: &mut Writing<'_>, at: usize) -> wasmtime::Result<()> {
        match self {
            None => guest.put(at, &[0]),
            Some(value) => {
                guest.put(at, &[1])?;
                value.store(guest, at + payload::<(), T>())
            }
        }
    }
}

impl<T: Layout, E: Layout> Layout for Result<T, E> {
    two_cases_layout!(T, E);
}

impl<T: Lift, E: Lift> Lift for Result<T, E> {
    type Value<'m> = Result<T::Value<'m>, E::Value<'m>>;

    fn lift<'m>(
        from: &mut FlatValues<'_>,
        memory: &mut Reading<'m>,
    ) -> wasmtime::Result<Self::Value<'m>> {
        let longest = Self::FLAT - 1;
        match from.next_u32() {
            0 => lift_case::<T>(from, memory, longest).map(Ok),
            1 => lift_case::<E>(from, memory, longest).map(Err),
            _ => bail!("invalid expected discriminant"),
        }
    }

    fn load<'m>(memory: &mut Reading<'m>, at: usize) -> wasmtime::Result<Self::Value<'m>> {
        let inside = at + payload::<T, E>();
        match memory.u8(at)? {
            0 => T::load(memory, inside).map(Ok),
            1 => E::load(memory, inside).map(Err),
            _ => bail!("invalid expected discriminant"),
        }
    }
}

impl<T: Lower, E: Lower> Lower for Result<T, E> {
    fn lower(&self, guest: &mut Writing<'_>, into: &mut FlatSlots<'_>) -> wasmtime::Result<()> {
        let longest = Self::FLAT - 1;
        match self {
            Ok(value) => lower_case(0, value, guest, into, longest),
            Err(error) => lower_case(1, error, guest, into, longest),
        }
    }

    fn store(&self, guest: &mut Writing<'_>, at: usize) -> wasmtime::Result<()> {
        let inside = at + payload::<T, E>();
        match self {
            Ok(value) => {
                guest.put(at, &[0])?;
                value.store(guest, inside)
            }
            Err(error) => {
                guest.put(at, &[1])?;
                error.store(guest, inside)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::ValRaw;

    use super::*;

    /// No function of the contract has such parameters yet.
    type Params = (Option<u64>, Result<u8, (u32, u64)>, u16);

    fn lift(numbers: [u64; 6]) -> Params {
        let numbers = numbers.map(ValRaw::u64);
        let mut memory = Reading::new(&[], 0);
        Params::lift(&mut FlatValues::new(&numbers), &mut memory).unwrap()
    }

    #[test]
    fn numbers_that_a_case_has_no_use_for_are_passed_over() {
        assert_eq!(lift([0, 9, 0, 5, 9, 3]), (None, Ok(5), 3));
        assert_eq!(lift([1, 9, 1, 5, 8, 3]), (Some(9), Err((5, 8)), 3));
        // What is wider than its type is cut off.
        assert_eq!(
            lift([1, u64::MAX, 0, 0x1_02, 0, 0x1_0003]),
            (Some(u64::MAX), Ok(2), 3)
        );
    }

    #[test]
    fn cases_share_their_numbers_and_their_bytes() {
        let mut kinds = Vec::new();
        Params::flatten(&mut kinds);
        let (narrow, wide) = (Flat::I32, Flat::I64);
        assert_eq!(kinds, [narrow, wide, narrow, narrow, wide, narrow]);
        assert_eq!(Params::FLAT, kinds.len());
        assert_eq!((Option::<u64>::SIZE, Option::<u64>::ALIGN), (16, 8));
        assert_eq!((Params::SIZE, Params::ALIGN), (48, 8));
    }

    #[test]
    fn a_float_shares_its_number_with_an_integer_only_as_bits() {
        let kinds = |flatten: fn(&mut Vec<Flat>)| {
            let mut kinds = Vec::new();
            flatten(&mut kinds);
            kinds
        };
        type Mixed = Result<f64, u32>;
        assert_eq!(kinds(Option::<f64>::flatten), [Flat::I32, Flat::F64]);
        assert_eq!(kinds(Mixed::flatten), [Flat::I32, Flat::I64]);
        let numbers = [ValRaw::u32(0), ValRaw::u64(1.5f64.to_bits())];
        let lifted = Mixed::lift(&mut FlatValues::new(&numbers), &mut Reading::new(&[], 0));
        assert_eq!(lifted.unwrap(), Ok(1.5));
    }

    #[test]
    fn parts_in_memory_lie_at_their_alignment() {
        let mut bytes = [0; 48];
        (bytes[0], bytes[8]) = (1, 9);
        (bytes[16], bytes[24], bytes[32]) = (1, 5, 8);
        bytes[40] = 3;
        let loaded = Params::load(&mut Reading::new(&bytes, 0), 0).unwrap();
        assert_eq!(loaded, (Some(9), Err((5, 8)), 3));
        bytes[16] = 2;
        let error = Params::load(&mut Reading::new(&bytes, 0), 0).unwrap_err();
        assert_eq!(error.to_string(), "invalid expected discriminant");
    }
}
