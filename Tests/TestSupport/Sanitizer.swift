import Glibc

/// The sanitizer that the tests and the programs they start were built with.
public enum Sanitizer {
  /// Whether there is one: it has its own malloc, and no other sanitizer runs beside it.
  public static let isPresent = dlsym(nil, "__asan_init") != nil || dlsym(nil, "__tsan_init") != nil
}
