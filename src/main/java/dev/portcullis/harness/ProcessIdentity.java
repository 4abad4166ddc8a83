package dev.portcullis.harness;

/**
 * What names one process for ever: pids are reused, start times within one boot are not.
 *
 * @param bootId the kernel's boot id
 * @param startTime in clock ticks since that boot
 */
public record ProcessIdentity(String bootId, long pid, long startTime) {}
