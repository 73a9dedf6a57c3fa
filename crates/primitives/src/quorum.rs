//! How many of `n` members decide.

use crate::limits::MAX_MEMBERS;

/// The quorum of a federation of `members`: `ceil(2n/3)`.
///
/// Two quorums share at least `2q - n` members, which is more than the `(n - 1)/3` that may lie.
///
/// Returns `None` unless `1 <= members <= 31`.
#[must_use]
pub const fn quorum(members: usize) -> Option<usize> {
    if members == 0 || members > MAX_MEMBERS {
        return None;
    }
    Some((2 * members).div_ceil(3))
}

/// How many members may lie without harm: `floor((n - 1)/3)`, and 0 for none.
#[must_use]
pub const fn tolerated_liars(members: usize) -> usize {
    members.saturating_sub(1) / 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_protocol() {
        let table: Vec<_> = (1..=15).filter_map(quorum).collect();
        assert_eq!(table, [1, 2, 2, 3, 4, 4, 5, 6, 6, 7, 8, 8, 9, 10, 10]);
        assert_eq!(quorum(31), Some(21));
        assert_eq!((quorum(0), quorum(32)), (None, None));
    }

    #[test]
    fn two_quorums_share_an_honest_member_and_honest_members_are_a_quorum() {
        for n in 1..=MAX_MEMBERS {
            let q = quorum(n).unwrap_or_default();
            assert!(2 * q - n > tolerated_liars(n), "n = {n}");
            assert!(n - tolerated_liars(n) >= q, "n = {n}");
        }
    }
}
