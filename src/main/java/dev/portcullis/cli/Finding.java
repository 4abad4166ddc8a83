package dev.portcullis.cli;

/** The result of one check. {@code detail}: what was found, and what to do when it is not sound. */
record Finding(String check, boolean sound, String detail) {
  static Finding sound(String check, String detail) {
    return new Finding(check, true, detail);
  }

  static Finding broken(String check, String detail) {
    return new Finding(check, false, detail);
  }
}
