//! Virtual servers, real servers and checkers.
