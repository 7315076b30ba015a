package demo;

public interface Subject {
    default String text() {
        return "old";
    }

    static String run() {
        return new Subject() { }.text();
    }
}
