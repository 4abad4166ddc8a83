/** Kill and recover: the gateway as a real process, killed at any instant, and what must be true afterwards. */
package dev.portcullis.crash;
