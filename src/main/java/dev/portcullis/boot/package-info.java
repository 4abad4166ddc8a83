/**
 * Starts everything in order and stops it in reverse. Entry points: {@link dev.portcullis.boot.Main} and
 * {@link dev.portcullis.boot.Guardian}, the state machine behind it. The only package that knows all others.
 */
package dev.portcullis.boot;
