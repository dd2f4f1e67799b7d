// SPDX-License-Identifier: Apache-2.0
// The appliance itself.
import { request } from './http.js';
import type { Host, HostCertificate, HostPower } from './types.js';

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

export function replaceCertificate(certificate: string, privateKey: string): Promise<HostCertificate> {
	return request('PUT', '/host/certificate', { body: { certificate, privateKey } });
}

export function resetCertificate(): Promise<HostCertificate> {
	return request('DELETE', '/host/certificate');
}
