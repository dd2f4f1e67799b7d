// SPDX-License-Identifier: Apache-2.0
// The appliance itself.
import { ApiError, request } from './http.js';
import type { Host, HostCertificate, HostPower, SigningRequest } from './types.js';

export function getHost(): Promise<Host> {
	return request('GET', '/host');
}

export function getHostPower(): Promise<HostPower> {
	return request('GET', '/host/power');
}

export function powerHost(action: 'restart' | 'shutdown'): Promise<HostPower> {
	return request('POST', '/host/power', { body: { action } });
}

export function getCertificate(): Promise<HostCertificate> {
	return request('GET', '/host/certificate');
}

/* Without a key it is the answer to the signing request. */
export function replaceCertificate(certificate: string, privateKey?: string): Promise<HostCertificate> {
	return request('PUT', '/host/certificate', { body: { certificate, privateKey } });
}

export function resetCertificate(): Promise<HostCertificate> {
	return request('DELETE', '/host/certificate');
}

/* null: none is pending. */
export async function getSigningRequest(): Promise<string | null> {
	try {
		return (await request<SigningRequest>('GET', '/host/certificate/request')).signingRequest;
	} catch (error) {
		if (error instanceof ApiError && error.status === 404) return null;
		throw error;
	}
}

export async function createSigningRequest(names: string[]): Promise<string> {
	return (await request<SigningRequest>('POST', '/host/certificate/request', { body: { names } })).signingRequest;
}

export function deleteSigningRequest(): Promise<void> {
	return request('DELETE', '/host/certificate/request');
}
