/**
 * Every setting, typed and checked once at boot. Entry point: {@link
 * dev.portcullis.config.GatewayConfig#from}. The keys are documented in {@code conf/application.conf}.
 */
package dev.portcullis.config;
