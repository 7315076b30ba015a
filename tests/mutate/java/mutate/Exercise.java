/* SPDX-License-Identifier: Apache-2.0 */
package mutate;

import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.AnnotatedType;
import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.function.Supplier;

/**
 * Runs what a class holds, and asks reflection for everything it can tell; whatever is thrown is
 * fine.
 */
final class Exercise {
    private interface Step {
        Object run() throws Throwable;
    }

    /** What was asked of, kept so that nothing of it can be left out by a compiler. */
    static volatile int sink;

    private Exercise() {
    }

    static void exercise(Class<?> victim) {
        reflect(victim);
        for (Method method : list(victim::getDeclaredMethods, new Method[0])) {
            reflect(method);
            attempt(method::getDefaultValue);
            attempt(() -> describe(method.getAnnotatedReturnType()));
            invoke(method);
        }
        for (Constructor<?> constructor : list(victim::getDeclaredConstructors, new Constructor<?>[0])) {
            reflect(constructor);
            attempt(() -> made(constructor, 1));
        }
    }

    private static void attempt(Step step) {
        try {
            Object result = step.run();
            Object[] many = result instanceof Object[] array ? array : new Object[] {result};
            sink += Arrays.deepToString(many).length();
        } catch (Throwable thrown) {
            explain(thrown);
        }
    }

    /**
     * A stack trace reads line numbers, a NullPointerException's message reads code and local
     * variables.
     */
    private static void explain(Throwable thrown) {
        for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
            try {
                sink += String.valueOf(cause.getMessage()).length();
                sink += Arrays.toString(cause.getStackTrace()).length();
            } catch (Throwable again) {
                sink++;
            }
        }
    }

    private static <T> T[] list(Supplier<T[]> members, T[] none) {
        try {
            T[] all = members.get();
            return all != null ? all : none;
        } catch (Throwable thrown) {
            explain(thrown);
            return none;
        }
    }

    private static void reflect(Class<?> victim) {
        attempt(victim::getAnnotations);
        attempt(victim::toGenericString);
        attempt(victim::getGenericSuperclass);
        attempt(victim::getGenericInterfaces);
        attempt(() -> describe(victim.getAnnotatedSuperclass()));
        attempt(() -> describe(victim.getAnnotatedInterfaces()));
        attempt(victim::getDeclaredClasses);
        attempt(victim::getEnclosingMethod);
        attempt(victim::getEnclosingClass);
        attempt(victim::getDeclaringClass);
        attempt(victim::getSimpleName);
        attempt(victim::getNestHost);
        attempt(victim::getNestMembers);
        attempt(victim::getPermittedSubclasses);
        attempt(victim::getEnumConstants);
        attempt(() -> victim.getTypeParameters()[0].getAnnotatedBounds()[0].getAnnotations());
        for (RecordComponent component : list(victim::getRecordComponents, new RecordComponent[0])) {
            attempt(component::getAnnotations);
            attempt(component::getGenericType);
            attempt(() -> describe(component.getAnnotatedType()));
        }
        for (Field field : list(victim::getDeclaredFields, new Field[0])) {
            attempt(field::getAnnotations);
            attempt(field::toGenericString);
            attempt(() -> describe(field.getAnnotatedType()));
        }
    }

    private static void reflect(Executable executable) {
        attempt(((AnnotatedElement) executable)::getAnnotations);
        attempt(executable::toGenericString);
        attempt(executable::getParameterAnnotations);
        attempt(executable::getParameters);
        attempt(() -> describe(executable.getAnnotatedParameterTypes()));
        attempt(() -> describe(executable.getAnnotatedExceptionTypes()));
        attempt(() -> describe(executable.getAnnotatedReceiverType()));
    }

    private static String describe(AnnotatedType... types) {
        return Arrays.toString(types);
    }

    private static void invoke(Method method) {
        attempt(() -> {
            method.setAccessible(true);
            Class<?> owner = method.getDeclaringClass();
            Object receiver = Modifier.isStatic(method.getModifiers()) ? null : value(owner, 2);
            Object result = method.invoke(receiver, values(method.getParameterTypes(), 1));
            return result == null ? "null" : result.getClass();
        });
    }

    private static Object[] values(Class<?>[] types, int depth) {
        Object[] values = new Object[types.length];
        for (int i = 0; i < types.length; i++) {
            values[i] = value(types[i], depth);
        }
        return values;
    }

    /**
     * Some value of that type: a number, a text, an array, an object made by its own
     * constructor, or null.
     */
    private static Object value(Class<?> type, int depth) {
        if (type.isPrimitive()) {
            return Array.get(Array.newInstance(type, 1), 0);
        }
        if (type.isArray()) {
            return Array.newInstance(type.getComponentType(), 2);
        }
        if (type.isAssignableFrom(String.class)) {
            return "some text";
        }
        if (type.isEnum()) {
            return type.getEnumConstants()[0];
        }
        for (Constructor<?> constructor : type.getDeclaredConstructors()) {
            try {
                return depth > 0 ? made(constructor, depth - 1) : null;
            } catch (ReflectiveOperationException | RuntimeException notThisOne) {
                explain(notThisOne);
            }
        }
        return null;
    }

    private static Object made(Constructor<?> constructor, int depth) throws ReflectiveOperationException {
        constructor.setAccessible(true);
        return constructor.newInstance(values(constructor.getParameterTypes(), depth));
    }
}
