/**
 * The ingress port: {@link dev.portcullis.ingress.listener.IngressListener} binds it and puts together
 * everything that can be reached through it.
 */
package dev.portcullis.ingress.listener;
